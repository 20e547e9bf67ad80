// Package document is a report in one language as sections of text, tables and charts,
// which the writers of HTML, DOCX, XLSX, CSV and JSON all render.
package document

import (
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Document is a report in one language. All texts are plain, ready to be escaped by the
// writer.
type Document struct {
	Lang  surveys.Lang
	Title string
	// Subtitle names the wave and the edition.
	Subtitle string
	// Marks are what every page must say at its top, such as that the questionnaire is on
	// trial or the respondents simulated; mostly empty.
	Marks []string
	// Facts are the statutory head: form number, issuer, approval, validity.
	Facts []Fact
	// Made is when the report was made, Program what made it.
	Made    time.Time
	Program string
	// Sections are the chapters in order; deeper ones follow the one they belong to.
	Sections []Section
}

// Charts are the charts of all sections, in order.
func (d *Document) Charts() (all []*Chart) {
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if b.Chart != nil {
				all = append(all, b.Chart)
			}
		}
	}
	return all
}

// Fact is a term with what is said of it.
type Fact struct{ Term, Text string }

// Section is a heading with what stands below it.
type Section struct {
	// ID is unique in the document and stays the same from one making to the next: edited
	// texts and links refer to it.
	ID, Title string
	// Depth is 1 for a chapter, 2 for a part of one, 3 for a part of that.
	Depth int
	// Annex says that the chapter is numbered with a letter.
	Annex bool
	// Number is the number of the heading as it is printed, such as "3.2" or "A".
	Number string
	Blocks []Block
}

// Block is one thing below a heading; exactly one field is set.
type Block struct {
	Text  *Text
	Facts []Fact
	Cards []Card
	Table *Table
	Chart *Chart
}

// Text is paragraphs or a list.
type Text struct {
	// ID names a block that people edit, such as "findings"; empty where the program
	// decides alone.
	ID         string
	Paragraphs []string
	// Style is how the paragraphs are set.
	Style TextStyle
	// Edited says that a person wrote the paragraphs, Stale that the numbers the draft was
	// made from have changed since.
	Edited, Stale bool
}

// TextStyle is how paragraphs are set.
type TextStyle string

// The styles of text.
const (
	Plain   TextStyle = ""
	Bullets TextStyle = "bullets"
	Steps   TextStyle = "steps"   // a list whose order counts
	Caution TextStyle = "caution" // must not be overlooked
	Small   TextStyle = "small"   // remarks and how to read
	Formula TextStyle = "formula" // one formula in each paragraph, in Unicode
)

// Card is a key figure with what is needed to trust it.
type Card struct{ Name, Value, Detail string }

// Table is a table with its caption and footnotes.
type Table struct {
	// ID is unique in the document, Number what the caption begins with, such as "表 3".
	ID, Number, Title string
	// Base says whose numbers these are, under which criterion and with which weights.
	Base string
	// Head has one or two rows of headings; the first column holds the names of the rows.
	Head [][]Heading
	Rows []Row
	// Notes are the footnotes, numbered from 1 in this table.
	Notes []string
}

// Heading is a cell of a table's head.
type Heading struct {
	Text string
	// Span and Down are how many columns and rows it takes; 0 is one.
	Span, Down int
	// Left says that the column holds words.
	Left bool
}

// Row is a row of a table.
type Row struct {
	Name string
	// Detail stands below the name, such as the wording of an item.
	Detail string
	// Total says that the row is of everybody, Heading that it only begins a part of the
	// table and has no cells.
	Total, Heading bool
	Cells          []Cell
}

// Cell is one number or word of a table.
type Cell struct {
	// Text is what is printed, rounded and with its unit.
	Text string
	// Value is the number in full precision for machines; nil where the cell has words or
	// no number, and where the number must not be published.
	Value *float64
	// Unit is that of Value.
	Unit Unit
	// Decimals are those that are printed.
	Decimals int
	// Main says that it is the estimate itself; what belongs to it follows.
	Main bool
	// Notes are numbers of footnotes of the table.
	Notes []int
	// Letters are those of groups that cannot be separated: two estimates that share a
	// letter do not differ significantly.
	Letters string
	// Suppressed says that the number is withheld; Text is then its sign.
	Suppressed bool
}

// Unit is what a number counts.
type Unit string

// The units of numbers.
const (
	Share  Unit = "share"  // 0 to 1, printed as a percentage
	Points Unit = "points" // of a score, or percentage points × 1
	Count  Unit = "count"  // whole people or things
	Number Unit = "number" // without a unit
)

// Chart is a chart with what stands around it. Its numbers also stand in a table.
type Chart struct {
	// ID is unique in the document, Number what the caption begins with, such as "图 3".
	ID, Number string
	// Title states the finding, or what is shown where there is none to state.
	Title string
	Base  string
	// Alt says in words what the chart shows, for those who do not see it.
	Alt  string
	Kind ChartKind
	// Percent says that values are percentages, 0 to 100; otherwise they are points.
	Percent bool
	// Max is the end of the value axis; 0 leaves it to the numbers.
	Max float64
	// Categories are the groups, or the names of the times of a trend, in order.
	Categories []string
	// Times are the times of a trend in years, one for each category, each later than the one
	// before: what lies between two of them is drawn in proportion to their distance.
	Times []float64
	// Series are drawn beside or upon each other.
	Series []Series
	// Line is a value that is marked for comparison; nil without one.
	Line *Line
	// Breaks are places of a trend where numbers before and after cannot be compared.
	Breaks []Break
	// Tiles places the categories of a tile map.
	Tiles []Tile
	// Codes are the GB/T 2260 codes of the categories of a choropleth.
	Codes []string
}

// ChartKind is how the numbers are drawn.
type ChartKind string

// The kinds of charts.
const (
	Dots    ChartKind = "dots"    // one point with its interval a category, in order of value: cities
	Bars    ChartKind = "bars"    // bars with intervals, those of several series side by side
	Stacked ChartKind = "stacked" // parts that add up to 100
	Trend   ChartKind = "trend"   // lines over time, interrupted at breaks, with intervals
	Tiles   ChartKind = "tiles"   // a square for each place, which is no map
	// Choropleth colours the regions of a reviewed base map, which the user supplies.
	Choropleth ChartKind = "choropleth"
)

// Series are the numbers of one colour, one for each category.
type Series struct {
	Name   string
	Points []Point
	// Truth says that they are the true values of a simulation, drawn as ticks.
	Truth bool
}

// Point is one number of a chart with its interval. A number that does not exist is NaN.
type Point struct {
	Value, Lo, Hi float64
	N             int
	// Label is the number as it is printed.
	Label string
	// Missing says why there is no number, such as that it is withheld; empty otherwise.
	Missing string
}

// Line is a value marked across a chart.
type Line struct {
	Value float64
	Name  string
}

// Break lies before the category with this index.
type Break struct {
	Before int
	Text   string
}

// Tile is the place of a category in a grid of squares, from the upper left corner.
type Tile struct {
	Category, Column, Row int
	// Short is the name that fits into the square.
	Short string
}
