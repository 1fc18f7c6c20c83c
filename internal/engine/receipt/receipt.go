// Package receipt finds company, address, date and total on the lines of a receipt, a bill or an invoice, and values behind
// their labels, by rules on the text.
package receipt

import (
	"regexp"
	"strings"
	"unicode"

	"sheetlift/internal/engine/layout"
)

// Field is a value found on a receipt and how sure the tool was of the words it comes from, 0 to 100.
type Field struct {
	Text string
	Conf float64
}

// Receipt holds the fields that the rules find on the lines of a receipt, a bill or an invoice.
type Receipt struct {
	company, date, address, total Field
}

// textLine is a line of text prepared for the rules.
type textLine struct {
	text, lower string
	conf        float64
}

// Find finds the fields on the lines of a document, from top to bottom.
func Find(lines []layout.Line) Receipt {
	texts := make([]textLine, 0, len(lines))
	for _, l := range lines {
		words := l.Words()
		text := layout.JoinWords(words)
		texts = append(texts, textLine{text, strings.ToLower(text), layout.MeanConfidence(words)})
	}
	var r Receipt
	at := companyLine(texts)
	if at >= 0 {
		r.company = companyOf(texts, at)
	}
	r.address = addressOf(texts, at+1)
	r.date = dateOf(texts)
	r.total = totalOf(texts)
	return r
}

// headLines is how far down the head of a receipt reaches: logos above the name give a few lines of noise.
const headLines = 14

var (
	// legalForm are the words that end the name of a firm, trade the words that are a part of it.
	legalForm  = regexp.MustCompile(`(?i)\b(sdn\.?|bhd\.?|s/b|berhad|ltd\.?|limited|llc|llp|plc|inc\.?|gmbh|pte\.?|plt|corp(oration)?\.?|company)(\W|$)`)
	trade      = regexp.MustCompile(`(?i)\b(enterprises?|trading|restaurants?|restoran|kedai|mart|minimarket|supermarket|hypermarket|shop|stores?|caf[eé]|bistro|coffee|bakery|bakeries|pharmacy|farmasi|hardware|marketing|stationery|perniagaan|syarikat|hotel|kitchen|confectionery|clinic|florist|gallery|grocer|book|food|house|seafood|market|motors?|electrical|services?)\b`)
	place      = regexp.MustCompile(`(?i)\b(jalan|jln|lorong|persiaran|lebuh|taman|tmn|bandar|seksyen|kawasan|kampung|kg|wisma|plaza|menara|lot|blok|block|level|floor|flr|street|st\.|road|rd|avenue|ave|boulevard|blvd|lane|drive|suite|unit|building|bangunan|mall|selangor|johor|kuala|lumpur|penang|melaka|perak|malaysia|singapore|cheras|petaling|shah alam|klang|batu)\b`)
	phrase     = regexp.MustCompile(`(?i)licensee|welcome|thank|please|\bgoods\b|\bsold\b|return|customer|copy`)
	postcode   = regexp.MustCompile(`\b\d{5}\b`)
	houseNo    = regexp.MustCompile(`(?i)^\W*(no\b[.: ]*\d|lot\b|\d{1,4}\s?[-&,]|[a-z]{1,2}-?\d+\b|\d+(st|nd|rd|th)\b)`)
	particular = regexp.MustCompile(`(?i)(\btel\b|\bfax\b|phone|hotline|\bgst\b|\bsst\b|\bvat\b|invo?i?ce|\breceipt\b|\bdate\b|\btime\b|cashier|\bbill\b|\btable\b|\border\b|\bwww|\.com|e-?mail|@|\bpos\b|counter|\btax\b|slip|\bqty\b|\bitem\b|description|operator|member)`)
	registered = regexp.MustCompile(`(?i)(\(?\b(co\.?|company|reg(istration)?\.?|roc|brn|business)\b.{0,12}\bno\b)|^\W*\(?[a-z]{0,4}\s?\d[\d ]{4,12}\s?-?\s?[a-z]?\)?\W*$`)
)

// companyLine returns the index of the line that names the firm, -1 for none: near the top, above the address, with
// a legal form or a trade where there is one.
func companyLine(lines []textLine) int {
	best, most := -1, 0.0
	for i, l := range lines[:min(len(lines), headLines)] {
		if s := likeCompany(l) - 0.25*float64(i); s > most {
			best, most = i, s
		}
		if i > 2 && best >= 0 && particular.MatchString(l.text) {
			break
		}
	}
	return best
}

func likeCompany(l textLine) float64 {
	letters, digits, upper := 0, 0, 0
	for _, r := range l.text {
		switch {
		case unicode.IsUpper(r):
			upper++
			letters++
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		}
	}
	if letters < 4 || digits > letters || particular.MatchString(l.text) && !legalForm.MatchString(l.text) {
		return 0
	}
	score := 2 + l.conf/50
	if legalForm.MatchString(l.text) {
		score += 4
	}
	if trade.MatchString(l.text) {
		score += 2.5
	}
	if place.MatchString(l.text) || houseNo.MatchString(l.text) {
		score -= 3
	}
	if upper == 0 {
		score -= 2.5 // a note in small letters, not a name
	}
	if phrase.MatchString(l.text) {
		score -= 5
	}
	if l.conf < 50 {
		score -= 1.5
	}
	if letters < 7 {
		score--
	}
	return score
}

// companyOf returns the name at a line, joined with the line before when the name was broken before its legal form.
func companyOf(lines []textLine, at int) Field {
	name, conf := tidy(lines[at].text), lines[at].conf
	rest := trade.ReplaceAllString(legalForm.ReplaceAllString(name, ""), "")
	if layout.Alnum(rest) < 6 && layout.Alnum(rest) < layout.Alnum(name) && at > 0 && likeCompany(lines[at-1]) > 2 {
		name = tidy(lines[at-1].text) + " " + name
		conf = min(conf, lines[at-1].conf)
	}
	if at+1 < len(lines) {
		if next := tidy(lines[at+1].text); legalForm.MatchString(next) && layout.Alnum(legalForm.ReplaceAllString(next, "")) < 5 && layout.Alnum(next) < 16 {
			name += " " + next
		}
	}
	if better := mended(name); better != name {
		return Field{better, min(conf, 100*Sure-1)} // likely, and to be looked at
	}
	return Field{name, conf}
}

// tidy removes marks without meaning from both ends.
func tidy(s string) string {
	return strings.TrimFunc(strings.TrimRight(s, " "), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("()&.", r)
	})
}

// addressOf joins the lines of the address below the name.
func addressOf(lines []textLine, from int) Field {
	var parts []string
	conf := 100.0
	for _, l := range lines[min(from, len(lines)):min(len(lines), max(from, 0)+headLines)] {
		if registered.MatchString(l.text) {
			continue
		}
		likely := place.MatchString(l.text) || houseNo.MatchString(l.text) || postcode.MatchString(l.text)
		if particular.MatchString(l.text) {
			if len(parts) > 0 {
				break
			}
			continue
		}
		if !likely {
			if len(parts) > 0 && (len(parts) >= 3 || layout.Alnum(l.text) < 4 || l.conf < 50) {
				break
			}
			if len(parts) == 0 {
				continue
			}
		}
		parts = append(parts, tidy(l.text))
		conf = min(conf, l.conf)
		if len(parts) == 5 {
			break
		}
	}
	if len(parts) == 0 {
		return Field{}
	}
	return Field{strings.Join(parts, ", "), conf}
}
