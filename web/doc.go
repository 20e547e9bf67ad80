// Package web holds what the program shows: page templates, style, scripts and
// words, embedded so that the program is one file.
package web
