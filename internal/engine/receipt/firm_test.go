package receipt

import "testing"

func TestNamesOfFirmsArePutRight(t *testing.T) {
	t.Parallel()
	for read, want := range map[string]string{
		"GARDENIA BAKERIES (KE) SDN BEED (193886 X)": "GARDENIA BAKERIES (KE) SDN BHD (193886 X)",
		"Me. O.D. (M) SON BHD":                       "Me. O.D. (M) SDN BHD",
		"Taste Of The World Son Bho.":                "Taste Of The World Sdn Bhd",
		"99 SPEED MART 3/8 (519537-X)":               "99 SPEED MART S/B (519537-X)",
		"KESTAURANT JIAWE|I JIAWE! HOUSE":            "RESTAURANT JIAWEII JIAWE! HOUSE",
		"Kestaurant Golden":                          "Restaurant Golden",
		"STATIOHERV SHOP":                            "STATIONERY SHOP",
		// Correct names stay unchanged.
		"SANYU STATIONERY SHOP":     "SANYU STATIONERY SHOP",
		"TRADING PLACES":            "TRADING PLACES",
		"B. BRAUN HOLDING":          "B. BRAUN HOLDING",
		"5/8 inch bolts":            "5/8 inch bolts",
		"Son Bhatti & Sons":         "Son Bhatti & Sons",
		"UNIHAKKA INTERNATIONAL SB": "UNIHAKKA INTERNATIONAL SB",
		"SMITH & SON BED SHOP":      "SMITH & SON BED SHOP",
		"THE SON BEER GARDEN":       "THE SON BEER GARDEN",
		"VILLAGE BAKERS":            "VILLAGE BAKERS",
		"GREEN GROCERS":             "GREEN GROCERS",
		"YUM! FOODS":                "YUM! FOODS",
	} {
		if got := mended(read); got != want {
			t.Errorf("%q became %q, want %q", read, got, want)
		}
	}
}

func TestANameThatWasPutRightIsADoubt(t *testing.T) {
	t.Parallel()
	for name, doubtful := range map[string]bool{"GOLDEN KESTAURANT": true, "GOLDEN RESTAURANT": false} {
		got := companyOf([]textLine{{text: name, conf: 95}}, 0)
		if got.Text != "GOLDEN RESTAURANT" || got.Conf < 100*Sure != doubtful {
			t.Errorf("%q became %+v", name, got)
		}
	}
}
