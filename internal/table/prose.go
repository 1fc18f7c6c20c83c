package table

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxProse  = 400 // characters of the prose of an answer that an issue quotes
	maxOpener = 40  // words of an introduction
)

// prose joins the words around the JSON of an answer that may say something about the sheet. Fences, introductions and
// closing words are left out: they are the texts that have no other words than theirs. One word more, and the text is kept.
func prose(parts []string) string {
	var kept []string
	for _, part := range parts {
		for text := range strings.SplitSeq(part, "\n") {
			if text = strings.Join(strings.Fields(unfence(text)), " "); text != "" && !courtesy(text) {
				kept = append(kept, text)
			}
		}
	}
	return strings.Join(kept, " ")
}

// unfence removes the marks of a fence, with the language that it names.
func unfence(line string) string {
	trimmed := strings.TrimSpace(line)
	if inner := strings.TrimLeft(trimmed, "`~"); inner != trimmed {
		word, rest, _ := strings.Cut(inner, " ")
		if strings.EqualFold(word, "json") || strings.EqualFold(word, "jsonc") || strings.EqualFold(word, "json5") {
			inner = rest
		}
		trimmed = inner
	}
	return strings.TrimRight(trimmed, "`~")
}

// courtesy reports whether a line only introduces or ends an answer. A number, a negation and every word that is not
// among those of courtesies make it a remark.
func courtesy(line string) bool {
	found := strings.FieldsFunc(strings.ToLower(line), func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
	if len(found) == 0 {
		return utf8.RuneCountInString(line) <= 10 // a stroke, an ellipsis, a smile
	}
	if slices.Contains(closings, strings.Join(found, " ")) {
		return true
	}
	for _, word := range found {
		if !courtesies[word] {
			return false
		}
	}
	return len(found) <= maxOpener
}

// courtesies are the words of introductions and closings in the languages in which models answer. None of them says by
// itself that a sheet has a fault: no numbers, no negations, nothing that is partial, unclear or left out.
var courtesies = wordSet(
	// English
	`a an the this that these is are s i ve have has been was of from in for into on to as and or your you my me we it
	here there below above following requested asked given provided uploaded attached output result results answer response
	json table tables data rows columns row structured structure format formatted valid object array code block
	image picture photo photograph sheet document page scan screenshot file spreadsheet form receipt invoice list inventory
	extracted extraction transcribed transcription converted read contents content text information based by with
	sure certainly ok okay yes course absolutely gladly please find done corrected final finished complete`,
	// French
	`voici voilà ci dessous dessus le la les l un une des du de d au aux en et sous dans sur pour à cette cet ce
	tableau tableaux données lignes colonnes demandé demandée demandées demandés extrait extraite extraites extraits lues lu
	image photo feuille page fichier forme format structuré structurées réponse résultat résultats contenu
	bien sûr certainement d accord est sont terminé corrigé vous votre que j ai avez`,
	// Spanish
	`aquí aqui está están esta este estos estas el los las lo un una unos de del en y al a para con su sus
	tabla tablas datos filas columnas solicitada solicitado solicitados pedida pedidos extraída extraído extraídos extraídas
	imagen foto hoja página documento archivo formato estructurado respuesta resultado contenido siguiente siguientes
	claro por supuesto seguro tienes tiene te le presento continuación listo hecho corregido`,
	// German
	`hier ist sind die der das den dem des ein eine einen im in aus von vom und als für mit zu zum zur ihre ihr ich habe
	tabelle tabellen daten zeilen spalten angeforderte angeforderten gewünschte gewünschten extrahierte extrahierten extrahiert
	ausgelesene ausgelesenen bild foto blatt seite datei dokument format strukturierte strukturiertes ergebnis antwort inhalt
	folgende folgenden wie gern gerne natürlich selbstverständlich klar fertig korrigiert`,
)

// closings are the phrases that answers end with, as their words alone.
var closings = []string{
	"let me know if you need anything else", "let me know if you need any changes", "i hope this helps", "hope this helps",
	"n hésitez pas si vous avez besoin d autre chose", "n hésitez pas à me dire si vous avez besoin d autre chose",
	"si necesitas algo más házmelo saber", "avísame si necesitas algo más", "espero que te sea útil",
	"lassen sie mich wissen wenn sie noch etwas brauchen", "sag bescheid wenn du noch etwas brauchst",
}

func wordSet(lists ...string) map[string]bool {
	all := map[string]bool{}
	for _, list := range lists {
		for word := range strings.FieldsSeq(list) {
			all[word] = true
		}
	}
	return all
}
