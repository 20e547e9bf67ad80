package web

import "embed"

// Pages holds the templates of the pages, one folder for each page; the folder
// layout is the frame around all of them.
//
//go:embed pages/layout pages/home pages/start pages/section pages/send pages/thanks pages/later pages/resume pages/labels pages/problem pages/paper pages/desk pages/desk-*
var Pages embed.FS

// Static holds what the pages link to.
//
//go:embed static/site.css static/site.js static/paper.css static/desk.css static/live.js
var Static embed.FS

// Text holds the words of the pages, for each language one file for those of respondents,
// one for the desk and one for its figures, with the same keys in each language. A word in
// braces is filled in by the program.
//
//go:embed text/zh.json text/en.json text/desk.*.json text/figures.*.json
var Text embed.FS

// BankText holds the words of “suyang bank check”, one file for each language.
//
//go:embed text/bank.zh.json text/bank.en.json
var BankText embed.FS

// FormText holds the words that a questionnaire needs and an imported form may lack, one
// file for each language.
//
//go:embed text/form.zh.json text/form.en.json
var FormText embed.FS

// PrecisionText holds the words of “suyang precision”, one file for each language.
//
//go:embed text/precision.zh.json text/precision.en.json
var PrecisionText embed.FS

// Tablet holds the app of the enumerators' tablets as “make tablet” built it, below
// tablet/dist; nothing but a file .keep when the program was built without it.
//
//go:embed all:tablet/dist
var Tablet embed.FS
