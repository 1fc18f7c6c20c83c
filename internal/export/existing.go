package export

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"sheetlift/internal/errs"
)

// Existing is a workbook that a person gave, to which rows are appended. It is read when it is needed and never changed.
type Existing struct {
	zip     *zip.Reader
	parts   map[string]*zip.File // by name, without the leading slash
	book    string               // name of the part with the list of sheets
	sheets  []bookSheet
	styles  string   // names of parts; "" if the workbook has none
	strings string   // the texts that cells share
	shared  []string // those texts, once they are loaded
}

// bookSheet is an entry of the list of sheets.
type bookSheet struct {
	name   string
	part   string
	hidden bool
	index  int // in the list, as defined names count sheets
}

// The bounds of a workbook that is read into memory, in bytes.
const (
	maxPart  = 256 << 20 // of one part, unpacked
	maxWhole = 1 << 30   // of all parts, unpacked
)

const (
	saysDamaged  = "This file is damaged: it cannot be opened as an Excel workbook. Open it in your spreadsheet program and save it again as .xlsx."
	saysWrong    = "This file is no Excel workbook. Save it as .xlsx and choose that file."
	saysPassword = "This workbook is protected by a password, so that nobody but you can open it. Save it without a password first."
	saysOld      = "This file is a workbook of the old kind, .xls. Open it in your spreadsheet program and save it as .xlsx."
	saysMacros   = "This is no plain workbook: it has macros, is a template, or is in the binary format. Save it as .xlsx and choose that file."
	saysSigned   = "This workbook is digitally signed, and a change would break the signature. Remove the signature first, or use a copy without it."
	saysTooLarge = "This workbook is too large to append to. Begin a new file, or move old rows to another one."
)

// ole begins files of Excel 97, and workbooks that are encrypted with a password.
var ole = []byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}

// OpenExisting opens a workbook of size bytes. r must stay readable for as long as the result is used. A file of another type,
// a protected one and a damaged one are refused with an Invalid error that says so; every part is read once to be sure.
func OpenExisting(r io.ReaderAt, size int64) (*Existing, error) {
	if err := refuseOld(r, size); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		if head := make([]byte, 2); size > 2 && readsAt(r, head, 0) && string(head) == "PK" {
			return nil, errs.Wrap(err, errs.Invalid, saysDamaged)
		}
		return nil, errs.Wrap(err, errs.Invalid, saysWrong)
	}
	e := &Existing{zip: z, parts: map[string]*zip.File{}}
	for _, f := range z.File {
		name := strings.TrimPrefix(f.Name, "/")
		if e.parts[name] != nil {
			return nil, errs.New(errs.Invalid, saysDamaged)
		}
		e.parts[name] = f
	}
	if e.parts["[Content_Types].xml"] == nil {
		return nil, errs.New(errs.Invalid, saysWrong)
	}
	if err := e.verify(); err != nil {
		return nil, err
	}
	if err := e.find(); err != nil {
		if _, ours := errors.AsType[*errs.Error](err); ours {
			return nil, err
		}
		return nil, errs.Wrap(err, errs.Invalid, saysDamaged)
	}
	return e, nil
}

func readsAt(r io.ReaderAt, b []byte, at int64) bool {
	n, _ := r.ReadAt(b, at)
	return n == len(b)
}

// refuseOld refuses files of Excel 97 and encrypted ones, which share a container.
func refuseOld(r io.ReaderAt, size int64) error {
	head := make([]byte, min(size, 1<<20))
	n, _ := r.ReadAt(head, 0)
	if !bytes.HasPrefix(head[:n], ole) {
		return nil
	}
	for _, name := range []string{"EncryptedPackage", "EncryptionInfo"} {
		if bytes.Contains(head[:n], utf16le(name)) {
			return errs.New(errs.Invalid, saysPassword)
		}
	}
	tail := make([]byte, min(size, 1<<20))
	n, _ = r.ReadAt(tail, size-int64(len(tail)))
	if bytes.Contains(tail[:n], utf16le("EncryptedPackage")) {
		return errs.New(errs.Invalid, saysPassword)
	}
	return errs.New(errs.Invalid, saysOld)
}

func utf16le(ascii string) []byte {
	var b []byte
	for _, c := range []byte(ascii) {
		b = append(b, c, 0)
	}
	return b
}

// verify reads every part, which compares its checksum, and counts the bytes.
func (e *Existing) verify() error {
	left := int64(maxWhole)
	for _, f := range e.zip.File {
		r, err := f.Open()
		if err != nil {
			return errs.Wrap(err, errs.Invalid, saysDamaged)
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, left+1))
		_ = r.Close() // a reader in memory
		if err != nil {
			return errs.Wrap(err, errs.Invalid, saysDamaged)
		}
		if left -= n; left < 0 {
			return errs.New(errs.TooLarge, saysTooLarge)
		}
	}
	return nil
}

// read returns the content of a part.
func (e *Existing) read(name string) ([]byte, error) {
	f := e.parts[name]
	if f == nil {
		return nil, fmt.Errorf("the part %s is missing", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxPart+1))
	if err == nil && len(data) > maxPart {
		return nil, errs.New(errs.TooLarge, saysTooLarge)
	}
	return data, err
}

func (e *Existing) decode(name string, into any) error {
	data, err := e.read(name)
	if err != nil {
		return err
	}
	return xml.Unmarshal(data, into)
}

// relation is a reference from one part to another.
type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
	Mode   string `xml:"TargetMode,attr"`
}

// relations returns the references of a part, with targets as names of parts.
func (e *Existing) relations(of string) ([]relation, error) {
	dir, file := path.Split(of)
	name := dir + "_rels/" + file + ".rels"
	if e.parts[name] == nil {
		return nil, nil
	}
	var list struct {
		All []relation `xml:"Relationship"`
	}
	if err := e.decode(name, &list); err != nil {
		return nil, err
	}
	for i, r := range list.All {
		if r.Mode == "External" {
			continue
		}
		if strings.HasPrefix(r.Target, "/") {
			list.All[i].Target = strings.TrimPrefix(path.Clean(r.Target), "/")
		} else {
			list.All[i].Target = path.Join(dir, r.Target)
		}
	}
	return list.All, nil
}

// relationID returns the reference that an element holds, such as r:id="rId1".
func relationID(attrs []xml.Attr) string {
	for _, a := range attrs {
		if a.Name.Local == "id" && (a.Name.Space != "") {
			return a.Value
		}
	}
	return ""
}

// find locates the list of sheets and the parts that it refers to.
func (e *Existing) find() error {
	roots, err := e.relations("")
	if err != nil {
		return err
	}
	for _, r := range roots {
		switch {
		case strings.HasSuffix(r.Type, "/officeDocument"):
			e.book = r.Target
		case strings.Contains(r.Type, "digital-signature"):
			return errs.New(errs.Invalid, saysSigned)
		}
	}
	if err := e.checkType(); err != nil {
		return err
	}
	relations, err := e.relations(e.book)
	if err != nil {
		return err
	}
	target := map[string]string{}
	for _, r := range relations {
		switch {
		case strings.HasSuffix(r.Type, "/worksheet"):
			target[r.ID] = r.Target
		case strings.HasSuffix(r.Type, "/styles"):
			e.styles = r.Target
		case strings.HasSuffix(r.Type, "/sharedStrings"):
			e.strings = r.Target
		}
	}
	return e.list(target)
}

// list fills in the sheets; target has the parts of worksheets by reference.
func (e *Existing) list(target map[string]string) error {
	var book struct {
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := e.decode(e.book, &book); err != nil {
		return err
	}
	for i, s := range book.Sheets {
		if part := target[relationID(s.Attrs)]; part != "" { // otherwise a sheet that is a chart
			e.sheets = append(e.sheets, bookSheet{s.Name, part, s.State == "hidden" || s.State == "veryHidden", i})
		}
	}
	if len(e.sheets) == 0 {
		return errors.New("there is no sheet")
	}
	return nil
}

// checkType refuses everything but a plain workbook.
func (e *Existing) checkType() error {
	var types struct {
		Override []struct {
			Part string `xml:"PartName,attr"`
			Type string `xml:"ContentType,attr"`
		} `xml:"Override"`
		Default []struct {
			Extension string `xml:"Extension,attr"`
			Type      string `xml:"ContentType,attr"`
		} `xml:"Default"`
	}
	if err := e.decode("[Content_Types].xml", &types); err != nil {
		return err
	}
	kind := ""
	for _, d := range types.Default {
		if "."+d.Extension == path.Ext(e.book) {
			kind = d.Type
		}
	}
	for _, o := range types.Override {
		if strings.TrimPrefix(o.Part, "/") == e.book {
			kind = o.Type
		}
	}
	switch {
	case kind == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml":
		return nil
	case strings.Contains(kind, "ms-excel") || strings.Contains(kind, "spreadsheetml.template"):
		return errs.New(errs.Invalid, saysMacros)
	}
	return errs.New(errs.Invalid, saysWrong)
}

// sharedText returns the shared text of this number.
func (e *Existing) sharedText(at int) (string, error) {
	if e.shared == nil && e.strings != "" {
		var list struct {
			Items []struct {
				Text string `xml:"t"`
				Runs []struct {
					Text string `xml:"t"`
				} `xml:"r"`
			} `xml:"si"`
		}
		if err := e.decode(e.strings, &list); err != nil {
			return "", err
		}
		e.shared = make([]string, len(list.Items))
		for i, item := range list.Items {
			e.shared[i] = item.Text
			for _, run := range item.Runs {
				e.shared[i] += run.Text
			}
		}
	}
	if at < 0 || at >= len(e.shared) {
		return "", fmt.Errorf("the shared text %d is missing", at)
	}
	return e.shared[at], nil
}
