//go:build js && wasm

// Formwasm is what the tablet runs of this program: the form engine, and the selection of
// the person in a household. It gives the page two functions, suyangForm(message) and
// suyangHousehold(message), which take and return JSON as package wire and household.Call
// describe.
package main

import (
	"syscall/js"

	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys/form/wire"
)

func main() {
	var e wire.Engine
	offer("suyangForm", e.Call)
	offer("suyangHousehold", household.Call)
	select {} // as long as the page lives
}

// offer gives the page a function that takes and returns JSON.
func offer(name string, call func([]byte) []byte) {
	js.Global().Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 1 || args[0].Type() != js.TypeString {
			return `{"error":"` + name + ` takes one text","ok":false}`
		}
		return string(call([]byte(args[0].String())))
	}))
}
