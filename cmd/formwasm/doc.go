//go:build !(js && wasm)

// Formwasm is the form engine and the selection in the household for the browser; it only
// runs there. Build it with make wasm.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "formwasm runs in a browser only; build it with: make wasm")
	os.Exit(2)
}
