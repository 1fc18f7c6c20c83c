package table

import (
	"cmp"
	"slices"
)

// synonyms are headings that usually mean the same, folded, in each line the clearest first.
var synonyms = [][]string{
	{"description", "itemdescription", "descriptionofitem", "equipmentdescription", "descriptionofequipment", "assetdescription",
		"productdescription", "desc", "itemdesc", "itemname", "equipmentname", "assetname", "productname", "item", "equipment", "article", "product",
		"asset", "device", "particulars", "details", "bezeichnung", "beschreibung", "artikel", "designation", "descripcion", "articulo"},
	{"quantity", "qty", "quantityonhand", "qtyonhand", "itemquantity", "itemqty", "count", "noofitems", "numberofitems", "noofunits", "pcs", "pieces",
		"units", "nos", "menge", "anzahl", "stuck", "quantite", "qte", "cantidad", "cant"},
	{"serialnumber", "serialno", "serialnr", "serialnum", "serial", "sn", "serno", "sno", "serials", "serialid", "manufacturerserialnumber", "seriennummer",
		"seriennr", "numerodeserie", "noserie", "nodeserie", "numeroserie"},
	{"tagnumber", "assettag", "assettagnumber", "assettagno", "tagno", "tag", "tagid", "tagnr", "assetnumber", "assetno", "assetid", "inventorynumber", "inventoryno",
		"inventorytag", "inventoryid", "propertytag", "propertynumber", "propertyno", "barcode", "inventarnummer", "inventarnr", "inventaire", "inventario"},
	{"status", "condition", "state", "itemstatus", "itemcondition", "equipmentstatus", "equipmentcondition", "workingcondition", "workingstatus", "cond", "zustand",
		"etat", "estado", "statut"},
	{"company", "companyname", "vendor", "vendorname", "merchant", "merchantname", "seller", "supplier", "suppliername", "store", "storename", "shop", "firma",
		"societe", "empresa"},
	{"date", "invoicedate", "receiptdate", "purchasedate", "transactiondate", "dateofpurchase", "documentdate", "datum", "fecha"},
	{"address", "companyaddress", "storeaddress", "selleraddress", "vendoraddress", "merchantaddress", "adresse", "anschrift", "direccion"},
	{"total", "grandtotal", "totalamount", "amountdue", "totaldue", "totalprice", "nettotal", "invoicetotal", "amount", "sum", "gesamtbetrag", "gesamt", "summe",
		"montanttotal", "importetotal", "importe"},
}

// Scores of a match. Below enough there is none.
const (
	sameLetters = 1001
	sameName    = 1000 // equal except for accents and signs
	sameMeaning = 900  // less the place in the line of synonyms
	someWords   = 400  // times the share of words in common
	enough      = 250
)

// Match returns for every heading the index of the column that it means, -1 for none: by name, by the usual meaning of
// headings (qty, s/n, asset tag, condition …), then by words in common. No column is returned twice. An open table has no
// columns to match.
func (t Table) Match(header []string) []int {
	type pair struct{ score, heading, column int }
	var pairs []pair
	names := make([]heading, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = newHeading(c.Name)
	}
	found := make([]int, len(header))
	for h, text := range header {
		found[h] = -1
		one := newHeading(clip(text, 2*MaxName))
		for c := range names {
			if s := one.score(names[c]); s >= enough {
				pairs = append(pairs, pair{s, h, c})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.heading, b.heading), cmp.Compare(a.column, b.column))
	})
	taken := make([]bool, len(t.Columns))
	for _, p := range pairs {
		if found[p.heading] < 0 && !taken[p.column] {
			found[p.heading], taken[p.column] = p.column, true
		}
	}
	return found
}

// heading is a name prepared for comparing.
type heading struct {
	exactly string
	folded  string
	words   []string
	meaning int // line of synonyms, -1 for none
	place   int // in that line
}

func newHeading(name string) heading {
	h := heading{exactly: exactly(name), folded: fold(name), words: words(name), meaning: -1}
	for i, line := range synonyms {
		if at := slices.Index(line, h.folded); at >= 0 {
			h.meaning, h.place = i, at
		}
	}
	return h
}

func (h heading) score(column heading) int {
	switch {
	case h.folded == "" || column.folded == "":
		return 0
	case h.exactly == column.exactly:
		return sameLetters
	case h.folded == column.folded:
		return sameName
	case h.meaning >= 0 && h.meaning == column.meaning:
		return sameMeaning - h.place
	case h.meaning >= 0 && column.meaning >= 0:
		return 0 // two known things that differ
	}
	return wordScore(h.words, column.words)
}

// idle are words that do not identify a column.
var idle = []string{"no", "nr", "number", "num", "name", "the", "of", "id", "item", "total", "date"}

func wordScore(a, b []string) int {
	common, telling := 0, false
	for _, w := range a {
		if slices.Contains(b, w) {
			common++
			telling = telling || !slices.Contains(idle, w)
		}
	}
	if !telling {
		return 0
	}
	return someWords * 2 * common / (len(a) + len(b))
}
