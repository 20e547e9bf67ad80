package fieldwork

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
	"golang.org/x/text/width"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
	"github.com/suyang-survey/suyang/surveys/workbook"
)

// The limits of a frame. An XLSX sheet has at most 1,048,576 rows.
const (
	MaxFrameFile  = 512 << 20 // bytes
	MaxFrameUnits = 2_000_000
	frameUnzipped = 4 << 30
)

// frameColumnNames are the names of a column.
type frameColumnNames struct {
	name  string
	other []string
}

// frameColumns are the columns with a meaning, each with its other names.
var frameColumns = []frameColumnNames{
	{"code", []string{"区划代码", "统计用区划代码", "行政区划代码", "代码"}},
	{"name", []string{"名称", "区划名称", "村居名称"}},
	{"class", []string{"城乡分类", "城乡分类代码", "城乡"}},
	{"class_code", nil},
	{"households", []string{"户数", "总户数", "家庭户数"}},
	{"adults", []string{"成年人口", "成年人数"}},
	{"size", []string{"规模", "规模度量"}},
}

// frameColumn is the English name of a column that has a meaning, otherwise the name.
func frameColumn(name string) string {
	name = strings.TrimSpace(name)
	for _, c := range frameColumns {
		if strings.EqualFold(name, c.name) || slices.Contains(c.other, name) {
			return c.name
		}
	}
	return name
}

// ReadFrame reads a frame whose rows are villages: the columns code, and as far as they are
// there name, class, households, adults and size, under these names or Chinese ones; every
// other column is kept under its name. The file is CSV in UTF-8 or GB18030, or the first
// sheet of an XLSX workbook, of which rows are read one by one. Faults name the row and the
// column, up to 20 of them, and wrap surveys.ErrInvalid or surveys.ErrTooLarge; name stands
// for the file. When rows have faults, the frame that comes with the error has those without,
// for CodeFaults alone. progress, which may be nil, is told how many bytes are done.
//
// A class is urban or rural, or one of the seven codes of the statistics (geo.ClassOf): the
// frame then has the class and, in the column class_code, the code.
func ReadFrame(name, vintage string, src []byte, progress func(done, total int)) (*Frame, error) {
	if len(src) > MaxFrameFile {
		return nil, fmt.Errorf("%s: the frame has more than %d MiB; divide it: %w", name, MaxFrameFile>>20, surveys.ErrTooLarge)
	}
	sum := sha256.Sum256(src)
	r := &frameReader{name: name, seen: map[string]int{}, texts: map[string]string{}, shared: map[string]map[string]string{},
		frame: &Frame{Hash: hex.EncodeToString(sum[:]), Vintage: vintage}, progress: progress}
	rows := r.csv
	if bytes.HasPrefix(src, []byte("PK\x03\x04")) {
		rows = r.xlsx
	}
	if err := rows(src); err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	if err := errors.Join(r.faults...); err != nil {
		return r.frame, err
	}
	if len(r.frame.Units) == 0 {
		return nil, invalidf("%s: the frame has no units", name)
	}
	if f := r.frame; !f.has("class_code") && slices.ContainsFunc(f.Units, func(u FrameUnit) bool { return u.ClassCode != "" }) {
		f.Columns = slices.Insert(f.Columns, slices.Index(f.Columns, "class")+1, "class_code")
	}
	r.frame.Remarks = r.remarks.sorted()
	return r.frame, nil
}

// errEnough ends the reading after the last fault that is told.
var errEnough = errors.New("enough faults")

// frameReader reads the rows of one frame.
type frameReader struct {
	name     string
	frame    *Frame
	columns  []string       // of the file from the left; blank where there is no name
	seen     map[string]int // the row of a code
	further  []string       // fields of the present row in columns without a meaning
	texts    map[string]string
	shared   map[string]map[string]string // further columns by their values
	remarks  remarks
	faults   []error
	progress func(done, total int)
}

// csv reads the rows of a CSV file.
func (r *frameReader) csv(src []byte) error {
	text, err := r.decoded(src)
	if err != nil {
		return err
	}
	in := &countingReader{r: bytes.NewReader(src)}
	cr := csv.NewReader(in)
	if text != nil {
		cr = csv.NewReader(transform.NewReader(in, text))
	} else if bytes.HasPrefix(src, []byte("\ufeff")) {
		in.r = bytes.NewReader(src[3:])
	}
	cr.ReuseRecord = true
	head, err := cr.Read()
	if err != nil {
		return invalidf("%s: cannot read the header of the frame: %w", r.name, err)
	}
	if err := r.head(1, head); err != nil {
		return err
	}
	for n := 0; ; n++ {
		rec, err := cr.Read()
		switch {
		case errors.Is(err, io.EOF):
			if r.progress != nil {
				r.progress(len(src), len(src))
			}
			return nil
		case err != nil:
			return invalidf("%s: %w", r.name, err)
		}
		line, _ := cr.FieldPos(0)
		if err := r.row(line, rec); err != nil {
			return err
		}
		if n%10_000 == 0 && r.progress != nil {
			r.progress(in.n, len(src))
		}
	}
}

// countingReader counts the bytes that were read.
type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// decoded finds how a text is encoded: nil for UTF-8, or what makes UTF-8 of it. Chinese
// texts in UTF-8 are nearly all sequences of three bytes that begin with E0 to EF, which
// are rare in GB18030; a file with more of them than bytes that fit nowhere is damaged UTF-8.
func (r *frameReader) decoded(src []byte) (transform.Transformer, error) {
	if bytes.HasPrefix(src, []byte{0xff, 0xfe}) || bytes.HasPrefix(src, []byte{0xfe, 0xff}) {
		return nil, invalidf("%s: the file is UTF-16; save it as “CSV UTF-8” or as .xlsx", r.name)
	}
	if utf8.Valid(src) {
		return nil, nil
	}
	good, bad, first := 0, 0, -1
	for i := 0; i < len(src); {
		c, n := utf8.DecodeRune(src[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			if bad++; first < 0 {
				first = i
			}
		case n == 3:
			good++
		}
		i += n
	}
	if good > bad || bytes.HasPrefix(src, []byte("\ufeff")) {
		return nil, invalidf("%s: row %d: the text is not UTF-8 there, though it is elsewhere; save the file anew", r.name, 1+bytes.Count(src[:first], []byte("\n")))
	}
	r.remarks = append(r.remarks, Remark{Kind: RemarkEncoding, Count: 1, Text: "the file is not UTF-8 and was read as GB18030; look whether the names are right"})
	return simplifiedchinese.GB18030.NewDecoder(), nil
}

// xlsx reads the rows of the first sheet of a workbook.
func (r *frameReader) xlsx(src []byte) error {
	b, err := workbook.Open(src, workbook.Limits{File: MaxFrameFile, Unzipped: frameUnzipped, Sheets: 1000, Texts: 4 * MaxFrameUnits, Text: 32_767})
	if err == nil && len(b.Sheets()) == 0 {
		err = fmt.Errorf("%w: the workbook has no sheet", surveys.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	sheet := sheetRows{reader: r}
	err = b.Read(0, func(c workbook.Cell) error {
		if c.Row/10_000 != sheet.at/10_000 && r.progress != nil {
			done, total := b.Unzipped()
			r.progress(int(done), int(max(done, total)))
		}
		return sheet.cell(c)
	}, nil)
	if err == nil {
		err = sheet.end()
	}
	switch {
	case sheet.err != nil:
		return sheet.err // which begins with the name already
	case err != nil:
		return fmt.Errorf("%s: %w", r.name, err)
	case r.columns == nil:
		return invalidf("%s: cannot read the header of the frame: the first sheet is empty", r.name)
	}
	if _, total := b.Unzipped(); r.progress != nil {
		r.progress(int(total), int(total))
	}
	return nil
}

// sheetRows puts the cells of a sheet together to rows and hands them to the reader.
type sheetRows struct {
	reader *frameReader
	at     int // the row of the cells, counted from 0
	cells  []string
	err    error // of the reader
}

func (s *sheetRows) cell(c workbook.Cell) error {
	if c.Row < s.at {
		return fmt.Errorf("%w: row %d stands below row %d; save the workbook anew with a spreadsheet program", surveys.ErrInvalid, c.Row+1, s.at+1)
	}
	if c.Row > s.at {
		if err := s.end(); err != nil {
			return err
		}
		s.at, s.cells = c.Row, s.cells[:0]
	}
	if c.Col >= maxFrameColumns {
		return fmt.Errorf("%w: cell %s%d: a frame has at most %d columns; delete what stands to the right", surveys.ErrTooLarge, workbook.Column(c.Col), c.Row+1, maxFrameColumns)
	}
	for len(s.cells) <= c.Col {
		s.cells = append(s.cells, "")
	}
	s.cells[c.Col] = c.Text
	return nil
}

// end hands over the row; the first one that is not empty has the names of the columns.
func (s *sheetRows) end() error {
	switch r := s.reader; {
	case len(s.cells) == 0:
	case r.columns == nil:
		s.err = r.head(s.at+1, s.cells)
	default:
		for len(s.cells) < len(r.columns) {
			s.cells = append(s.cells, "")
		}
		s.err = r.row(s.at+1, s.cells)
	}
	return s.err
}

// maxFrameColumns is how many columns a frame has at most.
const maxFrameColumns = 200

// head reads the names of the columns.
func (r *frameReader) head(line int, names []string) error {
	if len(names) > maxFrameColumns {
		return fmt.Errorf("%s:%d: a frame has at most %d columns: %w", r.name, line, maxFrameColumns, surveys.ErrTooLarge)
	}
	r.columns = make([]string, len(names))
	for i, n := range names {
		c := strings.Clone(frameColumn(n))
		if err := checkText(c); err != nil {
			return invalidf("%s:%d: column %d: %w", r.name, line, i+1, err)
		}
		if at := slices.Index(r.columns[:i], c); at >= 0 && c != "" {
			return invalidf("%s:%d: column %q stands there twice, as %q and %q", r.name, line, c, names[at], n)
		}
		if r.columns[i] = c; c != "" {
			r.frame.Columns = append(r.frame.Columns, c)
		}
	}
	if !r.frame.has("code") {
		return invalidf("%s:%d: the column code (区划代码) is needed in the first row; found %s", r.name, line, strings.Join(names, ", "))
	}
	return nil
}

// row reads one row; one of blanks alone is none.
func (r *frameReader) row(line int, rec []string) error {
	if !slices.ContainsFunc(rec, func(s string) bool { return strings.TrimSpace(s) != "" }) {
		return nil
	}
	u, faults := r.unit(line, rec)
	if at := r.seen[u.Code]; at > 0 {
		faults = append(faults, fmt.Errorf("code: %s stands in row %d already", u.Code, at))
	}
	if u.Code != "" {
		r.seen[u.Code] = line
	}
	for _, err := range faults {
		if r.faults = append(r.faults, invalidf("%s: row %d, column %w", r.name, line, err)); len(r.faults) == maxFaults {
			return errEnough
		}
	}
	if len(faults) > 0 {
		return nil
	}
	if len(r.frame.Units) == MaxFrameUnits {
		return fmt.Errorf("%s: a frame has at most %d units; divide it: %w", r.name, MaxFrameUnits, surveys.ErrTooLarge)
	}
	r.frame.Units = append(r.frame.Units, u)
	return nil
}

// unit reads the fields of a row, whose code stays empty when it is none. Every fault begins
// with the name of its column.
func (r *frameReader) unit(line int, rec []string) (u FrameUnit, faults []error) {
	u.Row = line
	r.further = r.further[:0]
	for i, text := range rec {
		switch {
		case i < len(r.columns) && r.columns[i] != "":
			if err := r.field(&u, r.columns[i], text); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", r.columns[i], err))
			}
		case text != "":
			faults = append(faults, fmt.Errorf("%s: %q stands in a column without a name; name it in the first row", workbook.Column(i), text))
		}
	}
	if len(faults) == 0 {
		u.Columns = r.furtherColumns()
	}
	return u, faults
}

// field reads one field into a unit.
func (r *frameReader) field(u *FrameUnit, column, text string) (err error) {
	if column != "code" { // whose own words are clearer
		if err := checkText(text); err != nil {
			return err
		}
	}
	if strings.ContainsRune(text, utf8.RuneError) {
		return fmt.Errorf("%q has characters that are neither UTF-8 nor GB18030; save the file as “CSV UTF-8”", text)
	}
	switch column {
	case "code":
		if err = checkCode(text); err == nil {
			u.Code = strings.Clone(text)
		}
	case "name":
		u.Name = strings.Clone(text)
	case "class", "class_code":
		err = u.classify(r.kept(text))
		if column == "class_code" && err == nil && text != "" && u.ClassCode != text {
			err = fmt.Errorf("%q is no urban–rural class of the statistics, such as 111", text)
		}
	case "households":
		u.Households, err = count(text)
	case "adults":
		u.Adults, err = count(text)
	case "size":
		u.Size, err = measureOf(text)
	default:
		r.further = append(r.further, text)
	}
	return err
}

// furtherColumns are the columns without a meaning of the row that was read last. Rows with
// the same values share them, as villages of one township often do.
func (r *frameReader) furtherColumns() map[string]string {
	if len(r.further) == 0 {
		return nil
	}
	key := strings.Join(r.further, "\x00") // which no text has
	if m, ok := r.shared[key]; ok {
		return m
	}
	m, i := make(map[string]string, len(r.further)), 0
	for _, c := range r.frame.Columns {
		if !slices.ContainsFunc(frameColumns, func(k frameColumnNames) bool { return k.name == c }) {
			m[c] = r.kept(r.further[i])
			i++
		}
	}
	if len(r.shared) < maxKept {
		r.shared[key] = m
	}
	return m
}

// maxKept is how many texts, and how many rows of further columns, are kept to be shared.
const maxKept = 100_000

// kept returns a text that outlasts its row; few different ones are kept once.
func (r *frameReader) kept(text string) string {
	if s, ok := r.texts[text]; ok {
		return s
	}
	text = strings.Clone(text)
	if len(r.texts) < maxKept {
		r.texts[text] = text
	}
	return text
}

// classify reads an urban–rural class, in words or as a code of the statistics.
func (u *FrameUnit) classify(text string) error {
	class, code := "", ""
	switch c, ok := geo.ClassOf(text); {
	case text == "":
		return nil
	case ok && c.Urban:
		class, code = "urban", text
	case ok:
		class, code = "rural", text
	case slices.Contains([]string{"urban", "城镇", "城市", "城"}, text):
		class = "urban"
	case slices.Contains([]string{"rural", "乡村", "农村", "乡"}, text):
		class = "rural"
	default:
		return fmt.Errorf("%q is no urban–rural class; write urban (城镇), rural (乡村), or a code from 111 to 220", text)
	}
	if u.Class != "" && u.Class != class || u.ClassCode != "" && code != "" && u.ClassCode != code {
		return fmt.Errorf("%q is another class than in the other column of classes", text)
	}
	u.Class, u.ClassCode = class, cmp.Or(code, u.ClassCode)
	return nil
}

// checkCode says what keeps a text from being the code of a village, and what happened.
func checkCode(text string) error {
	plain := width.Narrow.String(text)
	switch {
	case len(text) == 12 && digitsOnly(text):
		return nil
	case text == "":
		return errors.New("the code is blank; a unit has the 12 digits of its division code")
	case strings.ContainsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.In(c, unicode.Cf) }):
		return fmt.Errorf("%q has a blank in it, perhaps one that is not seen; remove it", text)
	case plain != text && digitsOnly(plain):
		return fmt.Errorf("%q has full-width digits; write %s", text, plain)
	case strings.ContainsAny(text, "eE") && digitsOnly(strings.NewReplacer("E", "", "e", "", "+", "", ".", "").Replace(text)):
		return fmt.Errorf("%q was a code before a spreadsheet rounded it; its last digits are gone, so export it again with the column formatted as text", text)
	case digitsOnly(text):
		return fmt.Errorf("%q is not a code of 12 digits: it has %d; digits were lost, or it is the code of another division", text, len(text))
	}
	return fmt.Errorf("%q is not a code of 12 digits", text)
}

func digitsOnly(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// maxCount is the most people or households of a village that are believed.
const maxCount = 10_000_000

func count(text string) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		return 0, errors.New("the number is not there; write 0 only where nobody lives")
	case err != nil || n < 0 || n > maxCount:
		return 0, fmt.Errorf("%q is not a whole number from 0 to %d%s", text, maxCount, plainly(text))
	}
	return n, nil
}

// plainly says how a number is written here, when it was written otherwise.
func plainly(text string) string {
	plain := strings.NewReplacer(",", "", " ", "", "\u00a0", "").Replace(width.Narrow.String(text))
	if plain == text || !digitsOnly(plain) {
		return ""
	}
	return "; write " + plain
}

// measureOf reads a measure of size.
func measureOf(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0) || math.IsInf(x, 0) || x > 1e12 {
		return 0, fmt.Errorf("%q is not a number from 0 to 1e12%s", text, plainly(text))
	}
	return x, nil
}
