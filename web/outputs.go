package web

import "embed"

// Outputs holds the words that the files of a report have beside those of the report itself,
// such as the heading of the contents, one file for each language with the same keys.
//
//go:embed text/outputs.zh.json text/outputs.en.json
var Outputs embed.FS
