package imaging

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"sheetlift/internal/errs"
)

// Format is the type of a file's content. Its text is its name in a sentence.
type Format string

// The supported formats.
const (
	JPEG Format = "JPEG"
	PNG  Format = "PNG"
	GIF  Format = "GIF"
	BMP  Format = "BMP"
	TIFF Format = "TIFF"
	WebP Format = "WebP"
	ZIP  Format = "ZIP" // an archive of any of these
)

// The formats that need a decoder installed on the machine; see Preparer.canDecode.
const (
	HEIC Format = "HEIC"
	AVIF Format = "AVIF"
	PDF  Format = "PDF"
)

// Formats that are recognised, so that a refusal can say more than "unknown".
const (
	SVG     Format = "SVG"
	JXL     Format = "JPEG XL"
	JP2     Format = "JPEG 2000"
	ICO     Format = "icon"
	PSD     Format = "Photoshop"
	Raw     Format = "raw photo"
	Video   Format = "video"
	HTML    Format = "HTML"
	XML     Format = "XML"
	Office  Format = "Office"
	OldDoc  Format = "old Office"
	Archive Format = "archive"
	EXE     Format = "program"
	Text    Format = "text"
	Empty   Format = "empty"
	Unknown Format = "unknown"
)

// refusals gives for each unsupported format a sentence, after the name of the file: its type and the remedy.
var refusals = map[Format]string{
	HEIC: "%s is a HEIC picture, the iPhone's own format, which cannot be opened here. Save or export it as JPEG (on the " +
		"iPhone: Settings, Camera, Formats, Most Compatible) and send that.",
	AVIF: "%s is an AVIF picture, which cannot be opened here. Open it, save it as JPEG and send that.",
	PDF:  "%s is a PDF, which cannot be opened here. Save each page as JPEG or PNG and send those.",
	SVG:  "%s is an SVG drawing, which cannot be opened here. Save it as PNG or JPEG and send that.",
	JXL:  "%s is a JPEG XL picture, which cannot be opened here. Open it, save it as JPEG and send that.",
	JP2:  "%s is a JPEG 2000 picture, which cannot be opened here. Open it, save it as JPEG and send that.",
	ICO:  "%s is an icon, not a picture of a page. Send a photograph or scan as JPEG or PNG.",
	PSD:  "%s is a Photoshop file, which cannot be opened here. Open it, save it as JPEG and send that.",
	Raw: "%s is a raw photo (as cameras write them: DNG, CR2, NEF, ARW and others), which cannot be opened here. Open it, " +
		"save it as JPEG and send that.",
	Video: "%s is a video or sound, not a picture. Save the picture that you need from it as JPEG and send that.",
	HTML:  "%s is a web page (HTML), not a picture. Take a screenshot of it, save that as PNG or JPEG and send it.",
	XML:   "%s is an XML file, not a picture. Send a photograph, scan or screenshot as JPEG or PNG.",
	Office: "%s is an Office document (such as Word or Excel; inside, a ZIP), not a picture. Take a screenshot of it, save " +
		"that as PNG or JPEG and send it.",
	OldDoc: "%s is an Office document (such as Word or Excel), not a picture. Take a screenshot of it, save that as PNG " +
		"or JPEG and send it.",
	Archive: "%s is an archive, not a picture. Unpack it and send the pictures in it, as JPEG or PNG.",
	EXE:     "%s is a program (EXE), not a picture. Check where it came from, and send the picture itself as JPEG or PNG.",
	Text:    "%s is a text file, not a picture. Send a photograph, scan or screenshot as JPEG or PNG.",
	Empty:   "%s is empty. Copy it again from where it came from and send it again; best as JPEG.",
	Unknown: "%s is not a picture that can be opened here, or it is damaged. Open it on your computer, save it as JPEG and " +
		"send that.",
}

// refuse returns errs.Invalid for a format that is not supported here, otherwise nil.
func (p *Preparer) refuse(f Format, name string) error {
	if why, no := refusals[f]; no && !p.canDecode(f) {
		return errs.New(errs.Invalid, why, name)
	}
	return nil
}

// Accepted reports whether pictures of this format are supported everywhere.
func (f Format) Accepted() bool {
	_, no := refusals[f]
	return !no
}

func (f Format) mime() string {
	if f == PNG {
		return "image/png"
	}
	return "image/jpeg"
}

func (f Format) article() string { return "a " + string(f) + " picture" }

// magic identifies most formats by their first bytes; '?' stands for any byte.
var magic = []struct {
	start  string
	format Format
}{
	{"\xff\xd8\xff", JPEG},
	{"\x89PNG\r\n\x1a\n", PNG},
	{"GIF87a", GIF},
	{"GIF89a", GIF},
	{"II*\x00????CR", Raw},              // Canon CR2
	{"II\x1a\x00\x00\x00HEAPCCDR", Raw}, // Canon CRW
	{"IIRO", Raw},                       // Olympus ORF
	{"IIRS", Raw},
	{"MMOR", Raw},
	{"IIU\x00", Raw},         // Panasonic RW2
	{"FUJIFILMCCD-RAW", Raw}, // Fujifilm RAF
	{"\x00MRM", Raw},         // Minolta MRW
	{"FOVb", Raw},            // Sigma X3F
	{"II*\x00", TIFF},
	{"MM\x00*", TIFF},
	{"II+\x00", TIFF},
	{"MM\x00+", TIFF},
	{"RIFF????WEBP", WebP},
	{"RIFF????AVI ", Video},
	{"RIFF????WAVE", Video},
	{"\xff\x0a", JXL},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", JXL},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", JP2},
	{"\xff\x4f\xff\x51", JP2},
	{"8BPS", PSD},
	{"\x00\x00\x01\x00", ICO},
	{"\x1a\x45\xdf\xa3", Video},
	{"OggS", Video},
	{"ID3", Video},
	{"7z\xbc\xaf\x27\x1c", Archive},
	{"Rar!\x1a\x07", Archive},
	{"\x1f\x8b", Archive},
	{"BZh", Archive},
	{"\xfd7zXZ\x00", Archive},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OldDoc},
	{"MZ", EXE},
	{"\x7fELF", EXE},
	{"\xcf\xfa\xed\xfe", EXE},
	{"\xca\xfe\xba\xbe", EXE},
	{"#!", EXE},
	{"PK\x05\x06", ZIP},
}

// Sniff identifies a file's format by its first bytes; 4,096 of them are enough. It never uses the name.
func Sniff(start []byte) Format {
	if len(start) == 0 {
		return Empty
	}
	for _, m := range magic {
		if matches(start, m.start) {
			return m.format
		}
	}
	switch {
	case isBMP(start):
		return BMP
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return zipKind(start)
	case len(start) >= 12 && string(start[4:8]) == "ftyp":
		return ftyp(start)
	case bytes.Contains(start[:min(len(start), 1024)], []byte("%PDF-")):
		return PDF
	}
	return sniffText(start)
}

func matches(b []byte, pattern string) bool {
	if len(b) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != b[i] {
			return false
		}
	}
	return true
}

// isBMP checks more than the two letters, since many texts start with them.
func isBMP(b []byte) bool {
	if len(b) < 18 || b[0] != 'B' || b[1] != 'M' {
		return false
	}
	switch binary.LittleEndian.Uint32(b[14:]) {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// zipKind distinguishes an Office document from other archives by the name of its first file.
func zipKind(b []byte) Format {
	const fixed = 30 // bytes of a file's header before its name
	if len(b) < fixed {
		return ZIP
	}
	for _, first := range []string{"[Content_Types].xml", "_rels/", "docProps/", "xl/", "word/", "ppt/", "mimetypeapplication/vnd.oasis"} {
		if bytes.HasPrefix(b[fixed:], []byte(first)) {
			return Office
		}
	}
	return ZIP
}

// ftyp distinguishes the families of the ISO container by all brands in the file.
func ftyp(b []byte) Format {
	end := min(len(b), int(min(binary.BigEndian.Uint32(b), 512)))
	found := Video
	for i := 8; i+4 <= max(end, 12); i += 4 {
		if i == 12 {
			continue // the version of the main brand
		}
		switch string(b[i : i+4]) {
		case "avif", "avis":
			return AVIF
		case "crx ":
			return Raw // Canon CR3
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "mif2":
			found = HEIC
		}
	}
	return found
}

// sniffText identifies text formats.
func sniffText(b []byte) Format {
	t := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	t = bytes.ToLower(bytes.TrimLeft(t, " \t\r\n\f"))
	if len(t) > 0 && t[0] == '<' {
		switch {
		case bytes.Contains(t, []byte("<svg")):
			return SVG
		case bytes.HasPrefix(t, []byte("<?xml")) && !bytes.Contains(t, []byte("<html")):
			return XML
		case utf8.Valid(t[:max(0, len(t)-utf8.UTFMax)]):
			return HTML
		}
	}
	if isText(b) {
		return Text
	}
	return Unknown
}

func isText(b []byte) bool {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return true
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && len(b) >= utf8.UTFMax {
			return false
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' {
			return false
		}
		b = b[n:]
	}
	return true
}
