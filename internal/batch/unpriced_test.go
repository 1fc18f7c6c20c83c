package batch

import (
	"encoding/json"
	"reflect"
	"testing"

	"sheetlift/internal/table"
)

func TestAPriceThatIsNotKnownIsNeverSummedAsNothing(t *testing.T) {
	t.Parallel()
	m := &Image{Attempts: []Attempt{
		{Prompt: 100, Output: 10},                          // a model without a price
		{Prompt: 100, Output: 10, USD: 0.5},                // a long picture, partly without a price
		{Prompt: 100, Output: 10, Priced: true},            // a free model
		{Prompt: 100, Output: 10, USD: 0.25, Priced: true}, // the current format
		{}, // no answer
	}}
	if f := m.Figures(table.Table{}); f.USD != 0.75 || f.Unpriced != 2 {
		t.Errorf("summed up: %+v", f)
	}
	var c Counts
	c.Add(m.Figures(table.Table{}), 1)
	whole, err := json.Marshal(c)
	var again Counts
	if err != nil || json.Unmarshal(whole, &again) != nil || !reflect.DeepEqual(again, c) || again.Unpriced != 2 {
		t.Errorf("stored as %s, read as %+v", whole, again)
	}
	for text, want := range map[string]int{
		`{"calls":7,"tokens":900,"usd":0}`:                7,
		`{"calls":7,"tokens":900,"usd":0.1}`:              0,
		`{"calls":7,"tokens":900,"usd":0,"unpriced":0}`:   0,
		`{"calls":7,"tokens":0,"usd":0}`:                  0,
		`{"calls":7,"tokens":900,"usd":0.1,"unpriced":3}`: 3,
	} {
		var old Counts
		var day Day
		if err := json.Unmarshal([]byte(text), &old); err != nil || old.Unpriced != want {
			t.Errorf("counts %s: %d, %v", text, old.Unpriced, err)
		}
		if err := json.Unmarshal([]byte(text), &day); err != nil || day.Unpriced != want {
			t.Errorf("day %s: %d, %v", text, day.Unpriced, err)
		}
	}
}

func TestStoredAttemptsKeepWhetherTheirWholePriceIsKnown(t *testing.T) {
	t.Parallel()
	for text, unpriced := range map[string]bool{
		`{"n":1,"prompt":100,"output":10,"usd":0.5}`:                false, // from before "priced" was written
		`{"n":1,"prompt":100,"output":10}`:                          true,  // the same, without a price
		`{"n":1,"prompt":100,"output":10,"usd":0.5,"priced":true}`:  false,
		`{"n":1,"prompt":100,"output":10,"usd":0.5,"priced":false}`: true, // a part of it is unpriced
		`{"n":1,"prompt":100,"output":10,"priced":true}`:            false,
		`{"n":1}`: false,
	} {
		a := Attempt{Class: "of before"}
		if err := json.Unmarshal([]byte(text), &a); err != nil || a.Unpriced() != unpriced || a.N != 1 || a.Class != "" {
			t.Errorf("%s: %+v, %v", text, a, err)
		}
		var again Attempt
		data, err := json.Marshal(a)
		if err != nil || json.Unmarshal(data, &again) != nil || again != a {
			t.Errorf("%s is stored as %s", text, data)
		}
	}
}
