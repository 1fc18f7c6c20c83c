package table

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unit reads the currency or unit around a number into n, or says in a sentence why the number has to stay text.
func (n *Numeral) unit() string {
	n.Before, n.After = norm.NFC.String(n.Before), norm.NFC.String(n.After)
	text := n.Before + n.After
	switch text {
	case "":
		return ""
	case "%", "‰":
		return saysPercent
	}
	key := unitKey(text)
	if code, known := currencies[key]; known {
		n.Unit, n.Money = code, true
		return ""
	}
	if r, width := utf8.DecodeRuneInString(key); width == len(key) && unicode.Is(unicode.Sc, r) {
		n.Unit, n.Money = key, true
		return ""
	}
	if _, known := units[key]; known && n.Before == "" {
		n.Unit = key
		return ""
	}
	n.Before, n.After = "", ""
	if strings.ContainsFunc(text, unicode.IsLetter) && !strings.ContainsFunc(text, unicode.IsDigit) {
		return saysUnit
	}
	return saysNumber
}

// unitKey is a currency or unit as it is compared: without width, case and full stop.
func unitKey(text string) string {
	return strings.TrimSuffix(strings.ToLower(norm.NFKC.String(text)), ".")
}

// currencies maps the known notations of currencies to their codes. "$" and "¥" belong to several countries and stay
// separate from the codes.
var currencies = func() map[string]string {
	all := map[string]string{
		"€": "EUR", "£": "GBP", "zł": "PLN", "zl": "PLN", "kč": "CZK", "kc": "CZK", "r$": "BRL", "rm": "MYR", "₹": "INR", "rs": "INR", "us$": "USD", "s$": "SGD", "a$": "AUD",
		"au$": "AUD", "c$": "CAD", "ca$": "CAD", "hk$": "HKD", "nz$": "NZD", "nt$": "TWD", "mx$": "MXN", "kr": "kr", "fr": "CHF", "sfr": "CHF", "ft": "HUF", "lei": "RON", "лв": "BGN",
		"₽": "RUB", "руб": "RUB", "р": "RUB", "₴": "UAH", "грн": "UAH", "₺": "TRY", "tl": "TRY", "₩": "KRW", "฿": "THB", "บาท": "THB", "₫": "VND", "đ": "VND", "₪": "ILS",
		"₱": "PHP", "円": "JPY", "元": "CNY", "rp": "IDR", "s/": "PEN", "kn": "HRK", "euro": "EUR", "euros": "EUR", "$": "$", "¥": "¥",
	}
	for code := range strings.FieldsSeq("AED ARS AUD BDT BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GHS HKD HUF IDR ILS INR ISK JOD JPY KES KRW KWD LKR MAD MXN MYR " +
		"NGN NOK NZD OMR PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH UGX USD UYU VND XAF XOF ZAR") {
		all[strings.ToLower(code)] = code
	}
	return all
}()

// units are those that may stand behind a number.
var units = func() map[string]struct{} {
	all := map[string]struct{}{}
	for unit := range strings.FieldsSeq("mg g kg t to lb lbs oz mm cm dm m km in inch ft yd m2 m3 cm2 cm3 qm sqm ml cl dl l ltr hl gal v kv a ma w kw kwh hz khz mhz ghz mb gb tb " +
		"ah mah bar psi °c °f min h hr hrs pc pcs pce pces piece pieces ea each unit units nos set sets pair pairs box boxes st stk stck stück stuck pz pza ud uds u un und szt ks db шт") {
		all[unit] = struct{}{}
	}
	return all
}()
