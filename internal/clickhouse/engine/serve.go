package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine/libchdb"
)

// Limits of the interface. A request beyond one gets an exception that names it.
const (
	maxReports = 8        // queries that read tables, at a time
	maxShort   = 8        // inserts, schema changes and short questions, at a time
	maxQuery   = 16 << 20 // bytes of a statement
	maxInsert  = 4 << 30  // bytes of the data of an insert

	headerTime = 10 * time.Second // to send the header of a request
	stallTime  = time.Minute      // without a byte read or written
	idleTime   = 5 * time.Minute  // between two requests of a connection
	closeTime  = 5 * time.Second  // to finish what runs when the server ends
)

// ServeConfig says what the engine process serves.
type ServeConfig struct {
	Library  string       // path of libchdb
	Data     string       // folder of the data; one process at a time
	Secret   string       // password of every request
	Listener net.Listener // loopback only
	Memory   int64        // bytes a query may take; DefaultMemory if 0
	Ready    func(version string)
}

// DefaultMemory is what one query may take, in bytes. Sorting and grouping go to
// disk from half of it on.
const DefaultMemory = 2 << 30

// Serve opens the data folder with libchdb and answers ClickHouse's HTTP
// interface on the listener until ctx ends. It closes the listener, and changes
// the working directory of the process.
func Serve(ctx context.Context, c ServeConfig) error {
	s, version, err := open(c)
	if err != nil {
		c.Listener.Close()
		return err
	}
	web := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    1 << 20,
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(c.Listener) }()
	if c.Ready != nil {
		c.Ready(version)
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve the engine on %s: %w", c.Listener.Addr(), err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := web.Shutdown(end); err != nil {
		return nil // a query still runs: the process ends under it, as the store expects
	}
	return s.close()
}

// server answers requests. Each has a session of its own, so that settings and
// parameters of one are never seen by another.
type server struct {
	lib     *libchdb.Library
	folder  string
	anchor  *libchdb.Conn // keeps the engine open between requests
	lock    *os.File
	spool   spool
	secret  string
	memory  int64
	port    string
	reports chan struct{}
	short   chan struct{}
}

// open takes the data folder, loads the library and starts the engine.
func open(c ServeConfig) (*server, string, error) {
	if c.Secret == "" {
		return nil, "", errors.New("the engine needs a secret")
	}
	address, err := netip.ParseAddrPort(c.Listener.Addr().String())
	if err != nil || !address.Addr().IsLoopback() {
		return nil, "", fmt.Errorf("the engine listens on %s; it must be a loopback address", c.Listener.Addr())
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return nil, "", fmt.Errorf("data folder %s: %w", c.Data, err)
	}
	s := &server{
		folder: filepath.Join(data, "db"), secret: c.Secret, memory: c.Memory, port: strconv.Itoa(int(address.Port())),
		reports: make(chan struct{}, maxReports), short: make(chan struct{}, maxShort),
	}
	if s.memory == 0 {
		s.memory = DefaultMemory
	}
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the data folder: %w", err)
	}
	if s.lock, err = lock(data); err != nil {
		return nil, "", err
	}
	if s.spool, err = newSpool(data); err != nil {
		return nil, "", err
	}
	version, err := s.start(c.Library)
	return s, version, err
}

// start loads the library, opens the folder and asks for the version.
func (s *server) start(library string) (version string, err error) {
	if s.lib, err = libchdb.Load(library); err != nil {
		return "", err
	}
	if s.anchor, err = s.lib.Connect(s.folder); err != nil {
		return "", err
	}
	r, err := s.anchor.Query("SELECT version()", "TabSeparatedRaw", nil)
	if err != nil {
		return "", fmt.Errorf("start the ClickHouse engine: %w", err)
	}
	defer r.Free()
	return string(r.Bytes()[:len(r.Bytes())-1]), nil
}

func (s *server) close() error {
	s.anchor.Close()
	if err := os.RemoveAll(string(s.spool)); err != nil {
		return fmt.Errorf("remove the spool folder: %w", err)
	}
	return s.lock.Close()
}
