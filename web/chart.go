package web

import "embed"

// ChartText holds the words that stand in charts, one file for each language with the same
// keys. What draws charts is part of Report.
//
//go:embed text/chart.zh.json text/chart.en.json
var ChartText embed.FS
