package table_test

import (
	"strings"
	"testing"

	"sheetlift/internal/table"
)

var quiet = []string{
	"Here is the table:", "Here's the table you requested:", "Here is the extracted data in JSON format:", "Sure! Here is the JSON:",
	"Sure, here are the rows from the image.", "Certainly! Below is the data extracted from the photo:", "Of course. This is the table of the sheet:",
	"JSON:", "Here is the table [as asked]:", "Done.", "---", "I hope this helps!", "Let me know if you need anything else.",
	"Voici le tableau :", "Voici les données extraites de l’image au format JSON :", "Bien sûr ! Voici le tableau demandé :", "Résultat :",
	"Aquí está la tabla:", "Claro, aquí tienes los datos extraídos de la imagen:", "A continuación, los datos en formato JSON:",
	"Si necesitas algo más, házmelo saber.",
	"Hier ist die Tabelle:", "Hier sind die extrahierten Daten aus dem Bild:", "Gerne, hier ist das Ergebnis im JSON-Format:",
	"```json", "```",
}

var remarks = []string{
	"Note: row 3 was illegible.", "I could not read the last column.", "The bottom of the page is cut off.", "Some values are guesses.",
	"Here is the table, but the second row is smudged:", "Here are the first 20 rows:", "Rows 4-7 are omitted.", "…(truncated)", "Not all rows are in the table.",
	"Here is the table without the totals:", "The image shows two tables; I extracted the larger one.", "Row 3?",
	"Remarque : la ligne 3 est illisible.", "Je n’ai pas pu lire la dernière colonne.", "Voici le tableau, sauf la dernière ligne :", "Ce n’est pas le tableau demandé.",
	"Nota: la fila 3 era ilegible.", "No pude leer la última columna.", "Aquí está la tabla sin la última fila:", "Faltan dos filas.",
	"Hinweis: Zeile 3 war unleserlich.", "Die letzte Spalte konnte ich nicht lesen.", "Hier ist die Tabelle ohne die letzte Zeile:", "Das Bild ist unscharf.",
	"หมายเหตุ: อ่านแถวที่ 3 ไม่ออก", "注意: 3行目は読めません",
}

func TestARemarkBesideTheRowsIsToldAndAnIntroductionIsNot(t *testing.T) {
	t.Parallel()
	one := table.Table{Columns: []table.Column{{Name: "Name", Type: table.Text}}}
	const rows = `{"rows_on_sheet": 1, "rows": [{"Name": "a"}]}`
	told := func(text, answer string) bool {
		a, err := one.Parse([]byte(answer))
		if err != nil || len(a.Rows) != 1 || a.Rows[0].Cells[0].Text != "a" {
			t.Fatalf("%q: %+v, %v", answer, a, err)
		}
		if len(a.Issues) == 0 {
			return false
		}
		if i := a.Issues[0]; len(a.Issues) != 1 || i.Row != -1 || i.Column != -1 || i.Kind != table.KindRows || !strings.Contains(i.Message, text) {
			t.Errorf("%q: %+v", answer, a.Issues)
		}
		return true
	}
	for _, q := range quiet {
		if told(q, q+"\n"+rows) || told(q, rows+"\n"+q) {
			t.Errorf("%q is told", q)
		}
	}
	for _, r := range remarks {
		for _, answer := range []string{
			r + "\n" + rows, rows + "\n" + r, "Here is the table:\n```json\n" + rows + "\n```\n\n" + r + "\n", r + " " + rows,
		} {
			if !told(r, answer) {
				t.Errorf("%q is lost in %q", r, answer)
			}
		}
	}
}

func TestALongRemarkIsCut(t *testing.T) {
	t.Parallel()
	one := table.Table{Columns: []table.Column{{Name: "Name", Type: table.Text}}}
	a, err := one.Parse([]byte(strings.Repeat("I look at the smudge. ", 1000) + `{"rows": [{"Name": "a"}]}`))
	if err != nil || len(a.Issues) != 1 || len(a.Issues[0].Message) > 600 {
		t.Errorf("%+v, %v", a.Issues, err)
	}
}
