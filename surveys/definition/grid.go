package definition

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
)

// items decodes a list of items. A grid that was written with its rows becomes the
// grid and an item for each row.
func (d *decoder) items(n *yaml.Node, items *[]surveys.Item, path string) {
	if strings.Count(path, ".items") > 2 {
		d.fault(n, path, "these items stand in a roster that is in a roster itself", "ask for the rows of one roster only")
		return
	}
	if !d.list(n, path) {
		return
	}
	for _, c := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, len(*items))
		d.at[at] = c
		if !d.written(c, at) {
			continue
		}
		var it surveys.Item
		var rows *yaml.Node
		d.mapping(c, at, func(key, value *yaml.Node) {
			if key.Value == "rows" {
				rows, d.at[at+".rows"] = value, value
				return
			}
			d.field(key, value, reflect.ValueOf(&it).Elem(), at)
		})
		*items = append(*items, it)
		if rows != nil {
			d.rows(rows, &it, items, path)
		}
	}
}

// rows adds an item for each row of the grid that was added last. What the grid says
// of its options, and that it is required, holds for each row.
func (d *decoder) rows(n *yaml.Node, grid *surveys.Item, items *[]surveys.Item, path string) {
	header := len(*items) - 1
	of := fmt.Sprintf("%s[%d]", path, header)
	at := of + ".rows"
	switch {
	case grid.Type != surveys.Grid:
		d.fault(n, at, fmt.Sprintf("rows does not suit item %q of type %s", grid.ID, grid.Type), "remove it, or write “type: grid”")
		return
	case !d.written(n, at) || !d.list(n, at):
		return
	}
	for _, c := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, len(*items))
		d.at[at] = c
		if !d.written(c, at) {
			continue
		}
		row := surveys.Item{Type: surveys.Single, Row: grid.ID, Required: grid.Required, Options: grid.Options}
		d.mapping(c, at, func(key, value *yaml.Node) {
			if slices.Contains(sharedByRows, key.Value) {
				d.fault(key, at, fmt.Sprintf("a row of a grid has no %s of its own", key.Value), "write it at the grid, or ask an item outside the grid")
				return
			}
			d.field(key, value, reflect.ValueOf(&row).Elem(), at)
		})
		if options, ok := d.at[of+".options"]; ok {
			d.at[at+".options"] = options
		}
		*items = append(*items, row)
	}
	(*items)[header].Required = false // now it is that of the rows
}

// sharedByRows are the keys of an item that rows written under their grid have not.
var sharedByRows = []string{"options", "row", "rows", "items"}
