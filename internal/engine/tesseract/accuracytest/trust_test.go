package accuracytest

import (
	"strings"
	"testing"
)

func rows(lines ...string) [][]string {
	var all [][]string
	for _, l := range lines {
		all = append(all, strings.Split(l, "|"))
	}
	return all
}

func TestTrustCountsWhatIsWrongWithoutADoubtAndRightWithOne(t *testing.T) {
	t.Parallel()
	truth := rows("Item|Qty|Price", "Chair|4|1.50", "Desk|7|22.00")
	for name, c := range map[string]struct {
		got    [][]string
		doubts string // the cells in doubt
		want   Trust
	}{
		"all right":                          {truth, "", Trust{9, 9, 0, 0}},
		"right but for spaces and dashes":    {rows("Item|Qty|Price", "Chair|4|1. 50", "Desk|7|22.00"), "", Trust{9, 9, 0, 0}},
		"a right one in doubt":               {truth, "4", Trust{9, 9, 0, 1}},
		"a wrong one":                        {rows("Item|Qty|Price", "Chair|4|150", "Desk|7|22.00"), "", Trust{9, 8, 1, 0}},
		"a wrong one in doubt":               {rows("Item|Qty|Price", "Chair|4|150", "Desk|7|22.00"), "150", Trust{9, 8, 0, 0}},
		"a missing one":                      {rows("Item|Qty|Price", "Chair||1.50", "Desk|7|22.00"), "", Trust{9, 8, 1, 0}},
		"a missing row":                      {rows("Item|Qty|Price", "Desk|7|22.00"), "", Trust{9, 6, 3, 0}},
		"a row too many":                     {rows("Item|Qty|Price", "Chair|4|1.50", "Lamp|9|3.00", "Desk|7|22.00"), "", Trust{9, 9, 3, 0}},
		"values in another column":           {rows("Item|Qty|Price", "Chair|4|1.50", "Desk|22.00|"), "", Trust{9, 7, 2, 0}},
		"two rows in one":                    {rows("Item|Qty|Price", "Chair Desk|4 7|1.50 22.00"), "", Trust{9, 3, 6, 0}},
		"two rows in one, all of it a doubt": {rows("Item|Qty|Price", "Chair Desk|4 7|1.50 22.00"), "ChairDesk 47 1.5022.00", Trust{9, 3, 0, 0}},
	} {
		got, _ := Trusted(truth, c.got, func(row, column int) bool {
			text := Plain(c.got[row][column])
			for _, d := range strings.Fields(c.doubts) {
				if text == Plain(d) && text != "" {
					return true
				}
			}
			return false
		})
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAHeadingOverSeveralColumnsIsRightOverAnyOfThem(t *testing.T) {
	t.Parallel()
	truth := rows("|Women|||", "Age|Number|Rate|Share|No", "45|263|11.8|10.4|1")
	got := rows("||Women||", "Age|Number|Rate|Share|No", "45|263|11.8|10.4|1")
	if trust, _ := Trusted(truth, got, func(int, int) bool { return false }); trust != (Trust{11, 11, 0, 0}) {
		t.Errorf("%+v", trust)
	}
	got = rows("||Women||", "Age|Number|Rate|Share|No", "45||263|11.8|10.4")
	if trust, _ := Trusted(truth, got, func(int, int) bool { return false }); trust.Silent == 0 {
		t.Errorf("values beside their columns are right: %+v", trust)
	}
}
