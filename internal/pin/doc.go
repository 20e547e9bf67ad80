// Package pin keeps the dependencies in go.mod while the first packages are written.
package pin
