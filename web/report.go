package web

import "embed"

// Report holds what the report file is made of: its template, style and scripts, and
// its words, one file for each language with the same keys. All of it becomes part of
// the file, so that a report needs nothing from anywhere. The ECharts build comes from
// the folder echarts; its licences stand in static/echarts.NOTICE.txt.
//
//go:embed pages/report/report.html
//go:embed static/report.css static/report.js static/echarts.min.js
//go:embed text/report.zh.json text/report.en.json
var Report embed.FS
