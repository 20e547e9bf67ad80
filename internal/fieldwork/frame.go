package fieldwork

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Frame is the list of units that a sample is drawn from, as it was read.
type Frame struct {
	Units []FrameUnit
	// Hash is the SHA-256 of the file, in hexadecimal digits; Vintage names the edition of
	// its division codes, such as 2023.
	Hash, Vintage string
	// Columns are the names of the columns that the file has, in their order, those with a
	// meaning here under their English names.
	Columns []string
	// Remarks are what should be looked at, though the frame can be read.
	Remarks []Remark
}

// FrameUnit is one village or residents' committee of a frame.
type FrameUnit struct {
	// Code has the 12 digits of the division code: province 2, city 4, county 6, township
	// 9, village 12.
	Code string
	Name string
	// Class is urban or rural, empty where it is not known; ClassCode is the finer class of
	// the statistical code, such as 111, where the frame has it.
	Class, ClassCode   string
	Households, Adults int
	// Size is another measure of size, 0 when there is none.
	Size float64
	// Row is the line of the file, for messages.
	Row int
	// Columns are all further columns.
	Columns map[string]string
}

// The kinds of remarks about a frame.
const (
	RemarkEncoding    = "encoding"    // the file was no UTF-8
	RemarkUnchecked   = "unchecked"   // no code list reaches the codes
	RemarkZone        = "zone"        // a development zone that only statistics number
	RemarkHigher      = "higher"      // the code of a higher division stands for a village
	RemarkSameName    = "same-name"   // two units of one township have one name
	RemarkNoClass     = "no-class"    // neither urban nor rural
	RemarkZero        = "zero"        // a size is 0
	RemarkImplausible = "implausible" // households and adults do not fit together
	RemarkSmall       = "small"       // fewer households than the draw takes
	RemarkLarge       = "large"       // too many households to list
)

// Remark is what should be looked at in a frame, with the places where it is so.
type Remark struct {
	Kind, Text string
	Count      int
	// Places are the first MaxPlaces of them, in the order of rows; none for a remark about
	// the whole frame.
	Places []Place
}

// Place is a field of a frame and what is the matter there.
type Place struct {
	Row          int
	Column, Text string
}

// MaxPlaces is how many places of one remark are kept.
const MaxPlaces = 1000

// remarks collects remarks by kind.
type remarks []Remark

// at adds a place to the remark of a kind, which text begins when it is the first.
func (r *remarks) at(kind, text string, row int, column, format string, args ...any) {
	i := slices.IndexFunc(*r, func(k Remark) bool { return k.Kind == kind })
	if i < 0 {
		i = len(*r)
		*r = append(*r, Remark{Kind: kind, Text: text})
	}
	k := &(*r)[i]
	if k.Count++; len(k.Places) < MaxPlaces {
		k.Places = append(k.Places, Place{row, column, fmt.Sprintf(format, args...)})
	}
}

// sorted puts the remarks in the order of their kinds and the places in that of rows.
func (r remarks) sorted() []Remark {
	slices.SortFunc(r, func(a, b Remark) int { return strings.Compare(a.Kind, b.Kind) })
	for _, k := range r {
		slices.SortStableFunc(k.Places, func(a, b Place) int { return a.Row - b.Row })
	}
	return r
}

// WriteRemarks writes remarks as CSV: kind, row, column, what. A remark of more places than
// were kept ends with a row that says how many there are.
func WriteRemarks(w io.Writer, all []Remark) error {
	cw := csv.NewWriter(w)
	rows := [][]string{{"kind", "row", "column", "what"}}
	for _, r := range all {
		if len(r.Places) == 0 {
			rows = append(rows, []string{r.Kind, "", "", r.Text})
		}
		for _, p := range r.Places {
			rows = append(rows, []string{r.Kind, strconv.Itoa(p.Row), p.Column, p.Text})
		}
		if n := r.Count - len(r.Places); n > 0 && len(r.Places) > 0 {
			rows = append(rows, []string{r.Kind, "", "", fmt.Sprintf("and %d further rows", n)})
		}
	}
	return cw.WriteAll(rows)
}

// Write writes the frame as a CSV that ReadFrame reads, in the order of its units.
func (f *Frame) Write(w io.Writer) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(f.Columns); err != nil {
		return err
	}
	row := make([]string, len(f.Columns))
	for _, u := range f.Units {
		for i, name := range f.Columns {
			row[i] = u.field(name)
		}
		if err := cw.Write(row); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

// field is what a unit has in a column, as it is written.
func (u FrameUnit) field(column string) string {
	switch column {
	case "code":
		return u.Code
	case "name":
		return u.Name
	case "class":
		return u.Class
	case "class_code":
		return u.ClassCode
	case "households":
		return strconv.Itoa(u.Households)
	case "adults":
		return strconv.Itoa(u.Adults)
	case "size":
		return strconv.FormatFloat(u.Size, 'g', -1, 64)
	}
	return u.Columns[column]
}

// FrameTotal is what a frame has of one class in one city.
type FrameTotal struct {
	City, Class               string // the city as in 330100
	Units, Households, Adults int
}

// Totals counts a frame by city and class, in their order.
func (f *Frame) Totals() []FrameTotal {
	of := map[[2]string]*FrameTotal{}
	var out []FrameTotal
	for _, u := range f.Units {
		key := [2]string{u.Code[:4] + "00", u.Class}
		t := of[key]
		if t == nil {
			t = &FrameTotal{City: key[0], Class: key[1]}
			of[key] = t
		}
		t.Units, t.Households, t.Adults = t.Units+1, t.Households+u.Households, t.Adults+u.Adults
	}
	for _, t := range of {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b FrameTotal) int { return strings.Compare(a.City+a.Class, b.City+b.Class) })
	return out
}

// has says whether the file had a column.
func (f *Frame) has(column string) bool { return slices.Contains(f.Columns, column) }
