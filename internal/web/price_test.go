package web_test

import (
	"testing"
	"time"

	"sheetlift/internal/batch"
)

func TestAnUnknownPriceIsSaidAndNotCountedAsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	b := d.started()
	here := "/batches/" + string(b.ID)
	d.change(b.ID, 3, func(m *batch.Image) { m.Attempts[0].Prompt, m.Attempts[0].Output = 1000, 100 })
	d.get(here).has(t, 200, "not known")
	code, answer := d.call("GET", here, "")
	if counts, _ := answer["counts"].(map[string]any); code != 200 || counts["unpriced"] != 1.0 || counts["usd"] != 0.0 {
		t.Errorf("%d %v", code, answer)
	}
	code, answer = d.call("GET", here+"/images/3", "")
	if attempts, _ := answer["attempts"].([]any); code != 200 || len(attempts) != 1 || attempts[0].(map[string]any)["priced"] != false {
		t.Errorf("%d %v", code, answer)
	}
}

func TestTheFiguresOfADaySayWhichCallsHaveNoKnownPrice(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "gemini")
	day := batch.Day{Day: time.Now().UTC().Format(time.DateOnly), Engine: "gemini", Read: 3, Calls: 3, Tokens: 3300}
	enter := func(unpriced int, usd float64) {
		t.Helper()
		day.Unpriced, day.USD = unpriced, usd
		if err := d.world.Enter(t.Context(), batch.NewID(), []batch.Day{day}); err != nil {
			t.Fatal(err)
		}
	}
	figures := func() (unpriced, usd any) {
		t.Helper()
		code, answer := d.call("GET", "/figures", "")
		days, _ := answer["days"].([]any)
		if code != 200 || len(days) != 1 {
			t.Fatalf("%d %v", code, answer)
		}
		the := days[0].(map[string]any)
		return the["unpriced"], the["usd"]
	}
	enter(3, 0)
	d.get("/figures").has(t, 200, `<td class="num">not known</td>`)
	if unpriced, usd := figures(); unpriced != 3.0 || usd != 0.0 {
		t.Errorf("%v calls have no price, the others cost %v", unpriced, usd)
	}
	enter(1, 0.5)
	d.get("/figures").has(t, 200, "0.50", "price not known for 4 of the calls")
	if unpriced, usd := figures(); unpriced != 4.0 || usd != 0.5 {
		t.Errorf("%v calls have no price, the others cost %v", unpriced, usd)
	}
}
