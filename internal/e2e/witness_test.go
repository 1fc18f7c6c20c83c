package e2e_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
)

// TestADigitThatTheServiceReadWrongIsADoubtWithTheRightValue has a service answer with one wrong digit and one row too few, and
// a real Tesseract as the witness.
func TestADigitThatTheServiceReadWrongIsADoubtWithTheRightValue(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("tesseract is not installed here; make test installs it")
	}
	truth := simulator.Rows(2)
	rows := slices.Clone(truth)
	wrong, gone := 0, len(rows)-2
	rows[wrong] = slices.Clone(rows[wrong])
	right := rows[wrong][2]
	rows[wrong][2] = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0' + ('9' - r)
		}
		return r
	}, right)
	rows = slices.Delete(rows, gone, gone+1)
	gemini, environ := fake(t, 1, 0)
	gemini.SetKey(simulator.Key{Value: canary + "-1", Label: "key 1", Script: []simulator.Answer{simulator.TextAnswer(inventoryAnswer(t, rows))}})
	p := run(t, append(environ, "SHEETLIFT_WITNESS=on")...)
	_, started := p.post(t, "", sheets(2)[1:])
	id := started["job_id"].(string)
	p.ended(t, id, time.Minute)
	b := browser(t)
	b.opens(p.url+"/batches/"+id, "#compared")
	b.until("document.querySelector('#compared').textContent.startsWith('1 of 1') && !document.querySelector('#progress').textContent.includes('still being compared')")

	_, image := p.get(t, "/api/v1/batches/"+id+"/images/1")
	var found []string
	for _, i := range image["issues"].([]any) {
		issue := i.(map[string]any)
		found = append(found, fmt.Sprint(issue["row"], " ", issue["column"], " ", issue["message"]))
	}
	for _, want := range []string{"“" + right + "” here", "a line after this row that is not here: “" + truth[gone][0][:4]} {
		if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("no doubt has %q: %q", want, found)
		}
	}
	if len(found) > 4 {
		t.Errorf("there are %d doubts for two errors: %q", len(found), found)
	}
	for _, sheet := range []string{"Summary", "Problems"} {
		lines, err := p.workbook(t, id).GetRows(sheet)
		if want := map[string]string{"Summary": "Compared with an offline reading", "Problems": right}[sheet]; err != nil || !strings.Contains(fmt.Sprint(lines), want) {
			t.Errorf("%s does not have %q: %q, %v", sheet, want, lines, err)
		}
	}
	b.shot("17-compared")
}

// inventoryAnswer is rows as the service writes them for the columns of an inventory.
func inventoryAnswer(t *testing.T, rows [][]string) string {
	t.Helper()
	var all []map[string]string
	for _, r := range rows {
		all = append(all, map[string]string{"Item_Description": r[0], "Quantity": r[1], "Serial_Number": r[2], "Tag_Number": r[3], "Status": r[4]})
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
