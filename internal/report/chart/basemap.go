package chart

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// BaseMap is a reviewed map with the boundaries of regions. No boundaries come with the
// program: in China a map with division lines that is shown to the public must have been
// reviewed, and its approval number is printed below every picture that uses it.
type BaseMap struct {
	approval, source string
	geo              json.RawMessage
	codes, names     []string
}

// MapInfo is what is known of a base map beside its boundaries.
type MapInfo struct {
	// Approval is the number of its review (审图号), such as “浙S（2024）12号”.
	Approval string
	// Source says who made it; it may be empty.
	Source string
}

// approvalForm is how approval numbers are written: GS or a province's S, the year in
// brackets and a number, such as GS（2019）1822号 or 浙S(2024)12号.
var approvalForm = regexp.MustCompile(`^(\p{Han}{0,2}GS\p{Han}?|\p{Han}{1,2}S\p{Han}?)\s*[(（〔\[]\d{4}[)）〕\]]\s*\d+\s*号$`)

// biggestMap is the largest base map that is read, in bytes. Simplify larger ones: the map
// is part of every report that shows it.
const biggestMap = 4 << 20

// ReadBaseMap reads a base map: a GeoJSON feature collection of polygons, in degrees, each
// with the property code, adcode or gb holding its GB/T 2260 code, and perhaps a name. A map
// without approval number is refused. Errors wrap surveys.ErrInvalid and name the feature.
func ReadBaseMap(geojson []byte, info MapInfo) (*BaseMap, error) {
	approval := strings.TrimSpace(info.Approval)
	if approval == "" {
		return nil, fmt.Errorf("%w: the base map has no approval number (审图号); a map with division lines that has not been reviewed must not be published, use a tile map", surveys.ErrInvalid)
	}
	if !approvalForm.MatchString(approval) {
		return nil, fmt.Errorf("%w: %q is no approval number (审图号); write it as on the map, such as GS（2019）1822号", surveys.ErrInvalid, approval)
	}
	if len(geojson) > biggestMap {
		return nil, fmt.Errorf("%w: the base map has %d bytes, at most %d are read; simplify its lines", surveys.ErrInvalid, len(geojson), biggestMap)
	}
	m := &BaseMap{approval: approval, source: strings.TrimSpace(info.Source)}
	return m, m.read(geojson)
}

// feature is one region of a GeoJSON file. Coordinates are in degrees.
type feature struct {
	Type       string         `json:"type"`
	Properties map[string]any `json:"properties"`
	Geometry   struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

func (m *BaseMap) read(geojson []byte) error {
	var file struct {
		Type     string    `json:"type"`
		Features []feature `json:"features"`
	}
	if err := json.Unmarshal(geojson, &file); err != nil {
		return fmt.Errorf("%w: the base map is no GeoJSON: %v", surveys.ErrInvalid, err)
	}
	if file.Type != "FeatureCollection" || len(file.Features) == 0 {
		return fmt.Errorf("%w: the base map is no GeoJSON feature collection with regions", surveys.ErrInvalid)
	}
	seen := map[string]bool{}
	for i := range file.Features {
		f := &file.Features[i]
		code, name := f.code(), f.text("name")
		switch {
		case code == "":
			return fmt.Errorf("%w: region %d of the base map (%q) has no GB/T 2260 code in code, adcode or gb", surveys.ErrInvalid, i+1, name)
		case seen[code]:
			return fmt.Errorf("%w: the base map has region %s twice; join its parts to a MultiPolygon", surveys.ErrInvalid, code)
		case f.check() != nil:
			return fmt.Errorf("%w: region %s of the base map: %v", surveys.ErrInvalid, code, f.check())
		}
		seen[code] = true
		if name == "" {
			name = code
		}
		m.codes, m.names = append(m.codes, code), append(m.names, name)
		f.Properties = map[string]any{"name": code}
	}
	geo, err := json.Marshal(file)
	m.geo = geo
	return err
}

func (f *feature) text(property string) string {
	switch v := f.Properties[property].(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return fmt.Sprintf("%.0f", v)
	}
	return ""
}

// code is the six-digit GB/T 2260 code of a region; empty without one. The property gb has
// 156, the code of China, before it.
func (f *feature) code() string {
	for _, property := range []string{"code", "adcode", "gb"} {
		text := f.text(property)
		if property == "gb" {
			text = strings.TrimPrefix(text, "156")
		}
		if c := sixDigits(text); c != "" {
			return c
		}
	}
	return ""
}

var division = regexp.MustCompile(`^[1-8]\d(\d\d){0,2}$`)

// sixDigits fills a code of a province, city or county up to six digits; empty for what is
// no code.
func sixDigits(code string) string {
	if !division.MatchString(code) {
		return ""
	}
	return code + strings.Repeat("0", 6-len(code))
}

// check refuses geometry that is no polygon in degrees.
func (f *feature) check() error {
	var rings [][][][]float64
	switch f.Geometry.Type {
	case "Polygon":
		var one [][][]float64
		if err := json.Unmarshal(f.Geometry.Coordinates, &one); err != nil {
			return err
		}
		rings = [][][][]float64{one}
	case "MultiPolygon":
		if err := json.Unmarshal(f.Geometry.Coordinates, &rings); err != nil {
			return err
		}
	default:
		return fmt.Errorf("it is a %q, not a Polygon or MultiPolygon", f.Geometry.Type)
	}
	corners := 0
	for _, polygon := range rings {
		for _, ring := range polygon {
			for _, c := range ring {
				if len(c) < 2 || c[0] < -180 || c[0] > 180 || c[1] < -90 || c[1] > 90 {
					return fmt.Errorf("corner %v is not in degrees of longitude and latitude", c)
				}
			}
			corners += len(ring)
		}
	}
	if corners < 4 {
		return fmt.Errorf("it has %d corners", corners)
	}
	return nil
}

// match finds the category of each region by its code. Every category must have a region:
// one that is not on the map would be lost without a word.
func (m *BaseMap) match(c *document.Chart) (map[string]int, error) {
	if len(c.Codes) != len(c.Categories) {
		return nil, fmt.Errorf("%w: it has %d GB/T 2260 codes for %d regions", surveys.ErrInvalid, len(c.Codes), len(c.Categories))
	}
	on := map[string]bool{}
	for _, code := range m.codes {
		on[code] = true
	}
	at := map[string]int{}
	var lost []string
	for i, code := range c.Codes {
		six := sixDigits(code)
		if !on[six] {
			lost = append(lost, fmt.Sprintf("%s (%q)", c.Categories[i], code))
		} else if other, twice := at[six]; twice {
			return nil, fmt.Errorf("%w: %q and %q have the same code %s", surveys.ErrInvalid, c.Categories[other], c.Categories[i], six)
		}
		at[six] = i
	}
	if len(lost) > 0 {
		return nil, fmt.Errorf("%w: the base map %s has no region for %s", surveys.ErrInvalid, m.approval, strings.Join(lost, ", "))
	}
	return at, nil
}

// notes stand below every picture of the map.
func (m *BaseMap) notes(w words) []string {
	out := []string{w.say("map.approval", "approval", m.approval)}
	if m.source != "" {
		out = append(out, w.say("map.source", "source", m.source))
	}
	return out
}
