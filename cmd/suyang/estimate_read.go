package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// csvData are the columns of a CSV file that an estimation needs.
type csvData struct {
	name    string
	rows    int
	jumps   []lineJump
	numeric map[string]*numberColumn
	text    map[string]*textColumn
	matched map[string][]string // the columns of each pattern
}

// A numberColumn is a column read as numbers; missing is NaN.
type numberColumn struct {
	values []float64
	// The first field that is no number; badText is empty when there is none.
	badRow  int
	badText string
}

// A textColumn is a column read as texts, each kept once; missing is -1.
type textColumn struct {
	code  []int32
	texts []string // in the order of their first appearance
	index map[string]int32
}

// A lineJump says on which line of the file a row begins, where it is not the line
// after the row before it.
type lineJump struct{ row, line int }

// needs are the columns to read, as numbers and as texts; one may be in both. Those that
// match patterns are numbers.
type needs struct{ numeric, text, patterns []string }

// longFile is the size in bytes from which reading shows how far it is.
const longFile = 32 << 20

// readCSV reads columns of a file, or of standard input when the name is "-". Texts of
// missing are as good as an empty field.
func readCSV(con *console, name string, need needs, missing []string) (*csvData, error) {
	in := con.in
	if name == "-" {
		name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
		if s, err := f.Stat(); err == nil && s.Size() >= longFile && con.terminal() {
			p := con.bar("read, in MB", int(s.Size()>>20))
			defer p.finish()
			in = &watchedReader{in: f, bar: p}
		}
	}
	d := &csvData{name: name, numeric: make(map[string]*numberColumn), text: make(map[string]*textColumn), matched: make(map[string][]string)}
	if err := d.read(in, need, missing); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if d.rows == 0 {
		return nil, fmt.Errorf("%s: no rows below the names of the columns", name)
	}
	return d, nil
}

// A watchedReader tells a bar how many megabytes have come.
type watchedReader struct {
	in    io.Reader
	bar   *progress
	bytes int
}

func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	before := r.bytes >> 20
	r.bytes += n
	if more := r.bytes>>20 - before; more > 0 {
		r.bar.add(more)
	}
	return n, err
}

// read takes in the file row by row.
func (d *csvData) read(in io.Reader, need needs, missing []string) error {
	in, err := withoutMark(in)
	if err != nil {
		return err
	}
	r := csv.NewReader(bufio.NewReaderSize(in, 1<<18))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty; its first line names the columns")
	}
	if err != nil {
		return errSyntax(err)
	}
	fields := len(header)
	readers, err := d.readers(header, need)
	if err != nil {
		return err
	}
	for next := 2; ; next++ {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, csv.ErrFieldCount):
			line, _ := r.FieldPos(0)
			return fmt.Errorf("line %d has %d fields, but the first line names %d columns; put fields with a comma or a line break into quotes", line, len(record), fields)
		case err != nil:
			return errSyntax(err)
		}
		if line, _ := r.FieldPos(0); line != next {
			d.jumps = append(d.jumps, lineJump{d.rows, line})
			next = line
		}
		for _, c := range readers {
			x := strings.TrimSpace(record[c.place])
			if slices.Contains(missing, x) {
				x = ""
			}
			if err := c.take(d.rows, x); err != nil {
				line, _ := r.FieldPos(c.place)
				return fmt.Errorf("line %d: %w", line, err)
			}
		}
		d.rows++
	}
}

// errSyntax says on which line quotes are wrong.
func errSyntax(err error) error {
	var e *csv.ParseError
	if !errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("line %d: %w; a field that has quotes in it stands in quotes, with each of its own doubled: \"a \"\"b\"\"\"", e.StartLine, e.Err)
}

// withoutMark takes the byte order mark off the beginning of a file, and refuses one of
// an encoding other than UTF-8.
func withoutMark(in io.Reader) (io.Reader, error) {
	start := make([]byte, 4)
	n, err := io.ReadFull(in, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	start = bytes.TrimPrefix(start[:n], []byte("\ufeff"))
	if bytes.HasPrefix(start, []byte{0xff, 0xfe}) || bytes.HasPrefix(start, []byte{0xfe, 0xff}) {
		return nil, errors.New("the file is in UTF-16; save it as UTF-8, such as with: iconv -f UTF-16 -t UTF-8")
	}
	if bytes.HasPrefix(start, []byte{0x84, 0x31, 0x95, 0x33}) {
		return nil, errEncoding
	}
	return io.MultiReader(bytes.NewReader(start), in), nil
}

// errEncoding is a text that is no UTF-8.
var errEncoding = errors.New("the text is not in UTF-8, but perhaps in GBK; save the file as UTF-8, such as with: iconv -f GB18030 -t UTF-8")

// A columnReader takes the fields of one column.
type columnReader struct {
	place int
	take  func(row int, x string) error
}

// readers finds the columns that are needed.
func (d *csvData) readers(header []string, need needs) ([]columnReader, error) {
	names := make([]string, len(header))
	for k, h := range header {
		if !utf8.ValidString(h) {
			return nil, fmt.Errorf("the names of the columns: %w", errEncoding)
		}
		names[k] = strings.TrimSpace(h)
	}
	var all []columnReader
	numeric := slices.Clone(need.numeric)
	for _, p := range need.patterns {
		found, err := match(names, p)
		if err != nil {
			return nil, err
		}
		d.matched[p] = found
		numeric = append(numeric, found...)
	}
	for _, name := range numeric {
		place, err := findColumn(names, name)
		if err != nil {
			return nil, err
		}
		if d.numeric[name] == nil {
			c := &numberColumn{}
			d.numeric[name] = c
			all = append(all, columnReader{place, c.take})
		}
	}
	for _, name := range need.text {
		place, err := findColumn(names, name)
		if err != nil {
			return nil, err
		}
		if d.text[name] == nil {
			c := &textColumn{index: make(map[string]int32)}
			d.text[name] = c
			all = append(all, columnReader{place, c.take})
		}
	}
	return all, nil
}

// findColumn says where a column stands.
func findColumn(names []string, name string) (int, error) {
	k := slices.Index(names, name)
	if k >= 0 && slices.Contains(names[k+1:], name) {
		return 0, fmt.Errorf("two columns are called %q; rename one", name)
	}
	if k >= 0 {
		return k, nil
	}
	if len(names) == 1 {
		for _, separator := range []string{";", "\t", "|", "，"} {
			if strings.Contains(names[0], separator) {
				return 0, fmt.Errorf("no column %q: the fields seem to be separated by %q; separate them by commas", name, separator)
			}
		}
	}
	return 0, fmt.Errorf("no column %q; there are: %s", name, shortList(names))
}

// shortList names up to thirty things.
func shortList(names []string) string {
	const most = 30
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// take appends a number. One that is none is kept for the error, which only comes when
// the column is used as numbers.
func (c *numberColumn) take(row int, x string) error {
	v, ok := math.NaN(), true
	if x != "" {
		v, ok = parseNumber(x)
	}
	if !ok && c.badText == "" {
		c.badRow, c.badText = row, strings.Clone(x)
	}
	c.values = append(c.values, v)
	return nil
}

// parseNumber reads a finite decimal number.
func parseNumber(x string) (v float64, ok bool) {
	v, err := strconv.ParseFloat(x, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || strings.ContainsAny(x, "xX_") {
		return math.NaN(), false
	}
	return v, true
}

// take appends a text.
func (c *textColumn) take(_ int, x string) error {
	if x == "" {
		c.code = append(c.code, -1)
		return nil
	}
	if n := len(c.code); n > 0 && c.code[n-1] >= 0 && c.texts[c.code[n-1]] == x {
		c.code = append(c.code, c.code[n-1])
		return nil
	}
	k, known := c.index[x]
	if !known {
		if !utf8.ValidString(x) {
			return errEncoding
		}
		k = int32(len(c.texts))
		x = strings.Clone(x) // not the whole line
		c.texts = append(c.texts, x)
		c.index[x] = k
	}
	c.code = append(c.code, k)
	return nil
}

// line is the line of the file on which a row begins.
func (d *csvData) line(row int) int {
	k, exact := slices.BinarySearchFunc(d.jumps, row, func(j lineJump, row int) int { return j.row - row })
	if !exact {
		k--
	}
	if k < 0 {
		return row + 2 // below the names of the columns
	}
	return d.jumps[k].line + row - d.jumps[k].row
}

// at names a row in a message.
func (d *csvData) at(row int) string { return fmt.Sprintf("%s:%d", d.name, d.line(row)) }
