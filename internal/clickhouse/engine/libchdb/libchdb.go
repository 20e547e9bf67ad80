// Package libchdb calls libchdb, the ClickHouse engine as a shared library:
// Load it once, Connect, then Query or Stream. It binds the dozen C functions
// that the engine process needs and knows nothing of HTTP.
//
// The functions are bound here, and not through chdb-go's chdb-purego, because
// that package opens the library in its init function and panics where there is
// none. It would bring 559 MB into every command of a program that imports it,
// and stop the commands that need no engine at all. It also lacks the calls with
// parameters, which keep one request's parameters away from the next.
package libchdb

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// handle is an opaque pointer that belongs to the library.
type handle = unsafe.Pointer

// call is the shape of the functions that start a query: connection, query,
// format, parameter names and values, all with their lengths.
type call func(conn handle, query unsafe.Pointer, queryLen uintptr, format unsafe.Pointer, formatLen uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, n uintptr) handle

// Library is a loaded libchdb. A process loads it once and never unloads it.
type Library struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv unsafe.Pointer) *handle
	closeConn         func(conn *handle)
	query             call
	stream            call
	fetch             func(conn, stream handle) handle
	cancel            func(conn, stream handle)
	destroy           func(result handle)
	buffer            func(result handle) *byte
	length            func(result handle) uintptr
	errorText         func(result handle) string
}

// Load opens the library at path and finds its functions. It also keeps the
// engine from installing its own handlers for deadly signals: they write for
// minutes after a fault, while a process that dies at once is restarted at once.
func Load(path string) (*Library, error) {
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load the ClickHouse engine: %w", err)
	}
	l := &Library{}
	for name, f := range map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeConn,
		"chdb_query_with_params_n":         &l.query,
		"chdb_stream_query_with_params_n":  &l.stream,
		"chdb_stream_fetch_result":         &l.fetch,
		"chdb_stream_cancel_query":         &l.cancel,
		"chdb_destroy_query_result":        &l.destroy,
		"chdb_result_buffer":               &l.buffer,
		"chdb_result_length":               &l.length,
		"chdb_result_error":                &l.errorText,
	} {
		symbol, err := purego.Dlsym(lib, name)
		if err != nil {
			return nil, fmt.Errorf("%s has no function %s; version 26.5.3 or newer is needed", path, name)
		}
		purego.RegisterFunc(f, symbol)
	}
	l.setSignalHandlers(0)
	return l, nil
}

// Conn is one session with the engine: its settings, current database and
// temporary tables are its own. It runs one query at a time.
type Conn struct {
	lib *Library
	ptr *handle
}

// Connect opens a session on the data folder. The first one starts the engine;
// all sessions of a process must name the same folder.
func (l *Library) Connect(folder string) (*Conn, error) {
	args := [][]byte{[]byte("clickhouse\x00"), []byte("--path=" + folder + "\x00")}
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]*byte, len(args))
	for i, a := range args {
		argv[i] = &a[0]
		pin.Pin(argv[i])
	}
	c := l.connect(int32(len(argv)), unsafe.Pointer(&argv[0]))
	if c == nil {
		return nil, fmt.Errorf("the ClickHouse engine cannot open %s", folder)
	}
	return &Conn{lib: l, ptr: c}, nil
}

// Close ends the session.
func (c *Conn) Close() {
	if c.ptr != nil {
		c.lib.closeConn(c.ptr)
		c.ptr = nil
	}
}

// Param is the value of a {name:Type} placeholder, written as ClickHouse's HTTP
// interface takes it: with the escapes of the TabSeparated format.
type Param struct{ Name, Value string }

// Query runs a statement to its end and returns its output in the format. The
// caller frees the result.
func (c *Conn) Query(sql, format string, params []Param) (*Result, error) {
	return c.result(c.run(c.lib.query, sql, format, params))
}

// Stream starts a SELECT whose output is fetched piece by piece. The caller
// closes the stream.
func (c *Conn) Stream(sql, format string, params []Param) (*Stream, error) {
	r, err := c.result(c.run(c.lib.stream, sql, format, params))
	if err != nil {
		return nil, err
	}
	return &Stream{conn: c, ptr: r.ptr}, nil
}

// run hands the strings over with pointer and length, so they may hold any byte.
func (c *Conn) run(f call, sql, format string, params []Param) handle {
	var pin runtime.Pinner
	defer pin.Unpin()
	names, nameLens := pinned(&pin, params, func(p Param) string { return p.Name })
	values, valueLens := pinned(&pin, params, func(p Param) string { return p.Value })
	return f(*c.ptr, data(sql), uintptr(len(sql)), data(format), uintptr(len(format)),
		names, nameLens, values, valueLens, uintptr(len(params)))
}

// pinned lays strings out as the C arrays of pointers and of lengths.
func pinned(pin *runtime.Pinner, params []Param, field func(Param) string) (pointers, lengths unsafe.Pointer) {
	if len(params) == 0 {
		return nil, nil
	}
	ps, ls := make([]*byte, len(params)), make([]uintptr, len(params))
	for i, p := range params {
		b := append([]byte(field(p)), 0)
		ps[i], ls[i] = &b[0], uintptr(len(b)-1)
		pin.Pin(ps[i])
	}
	pin.Pin(&ps[0])
	pin.Pin(&ls[0])
	return unsafe.Pointer(&ps[0]), unsafe.Pointer(&ls[0])
}

func data(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

// result takes the answer of the library, and frees it if it is an error.
func (c *Conn) result(ptr handle) (*Result, error) {
	if ptr == nil {
		return nil, errors.New("the ClickHouse engine gave no answer")
	}
	if text := c.lib.errorText(ptr); text != "" {
		c.lib.destroy(ptr)
		return nil, errors.New(text)
	}
	return &Result{lib: c.lib, ptr: ptr}, nil
}

// Result is the output of a statement, in the memory of the library.
type Result struct {
	lib *Library
	ptr handle
}

// Bytes is the output. It is valid until Free.
func (r *Result) Bytes() []byte {
	p, n := r.lib.buffer(r.ptr), r.lib.length(r.ptr)
	if p == nil || n == 0 {
		return nil
	}
	return unsafe.Slice(p, n)
}

// Free gives the memory back.
func (r *Result) Free() {
	if r.ptr != nil {
		r.lib.destroy(r.ptr)
		r.ptr = nil
	}
}

// Stream is the running output of a SELECT.
type Stream struct {
	conn  *Conn
	ptr   handle
	piece *Result
	ended bool
}

// Next returns the next piece of the output, valid until the next call, and nil
// when there is no more.
func (s *Stream) Next() ([]byte, error) {
	s.free()
	if s.ended {
		return nil, nil
	}
	r, err := s.conn.result(s.conn.lib.fetch(*s.conn.ptr, s.ptr))
	if err != nil {
		s.ended = true
		return nil, err
	}
	s.piece = r
	b := r.Bytes()
	s.ended = len(b) == 0
	return b, nil
}

// Close stops the query if it still runs and gives its memory back.
func (s *Stream) Close() {
	s.free()
	if s.ptr == nil {
		return
	}
	if !s.ended {
		s.conn.lib.cancel(*s.conn.ptr, s.ptr)
	}
	s.conn.lib.destroy(s.ptr)
	s.ptr = nil
}

func (s *Stream) free() {
	if s.piece != nil {
		s.piece.Free()
		s.piece = nil
	}
}
