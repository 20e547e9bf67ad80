//go:build js && wasm

// Formwasm is the form engine for the browser. It gives the page one function,
// suyangForm(message), which takes and returns JSON as package wire describes.
package main

import (
	"syscall/js"

	"github.com/suyang-survey/suyang/surveys/form/wire"
)

func main() {
	var e wire.Engine
	js.Global().Set("suyangForm", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 1 || args[0].Type() != js.TypeString {
			return `{"error":"suyangForm takes one text","ok":false}`
		}
		return string(e.Call([]byte(args[0].String())))
	}))
	select {} // as long as the page lives
}
