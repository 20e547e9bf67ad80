package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

// Config holds the settings of a server.
type Config struct {
	// Addr is the address to listen on.
	Addr string
	// MetricsAddr is the address that the metrics are read at, "" for none. It is one of its
	// own, which must not be reachable for respondents.
	MetricsAddr string
	// Key is the secret of the installation, at least 32 random bytes. The keys of
	// the personal links are derived from it, so with another key they become invalid.
	Key []byte
	// Idle is how long after its last page an interview counts as broken off.
	Idle time.Duration
	// MaxConns limits the open connections; further ones wait.
	MaxConns int
	// MaxRequests limits the pages and interviews being taken at one time; whoever
	// sends a further one waits for their turn, and is asked to come again when it does
	// not come within Pressure.QueueWait.
	MaxRequests int
	// RequestTime is how long one request may take.
	RequestTime time.Duration
	// Leave is how long the server still serves when it ends while it says that it is not
	// ready, so that a load balancer notices.
	Leave time.Duration
	// Grace is how long Run waits for requests when it ends.
	Grace time.Duration
	// HTTPS says that people reach the server by https only, through a proxy.
	HTTPS bool
	// Proxies is through how many proxies of our own they do: each adds an address to
	// X-Forwarded-For. It counts with HTTPS only.
	Proxies int
	// Pressure says when the server turns everybody away, Limits when one client.
	Pressure Pressure
	Limits   Limits
	// Origins lists further origins, such as https://survey.example.cn, whose pages
	// may post here: needed behind a proxy that changes the Host header.
	Origins []string
	// Reports holds finished reports, HTML files with everything inside; nil when
	// there are none. ReportCSP is the content policy they are served with.
	Reports   fs.FS
	ReportCSP string
}

// DefaultConfig returns the configuration for one machine; key is Config.Key.
func DefaultConfig(key []byte) Config {
	return Config{
		Addr:        "127.0.0.1:8080",
		Key:         key,
		Idle:        24 * time.Hour,
		MaxConns:    10_000,
		MaxRequests: 512,
		RequestTime: 30 * time.Second,
		Grace:       15 * time.Second,
		Proxies:     1,
		Pressure:    DefaultPressure(),
		Limits:      DefaultLimits(),
	}
}

// check refuses a configuration that would serve badly or unsafely.
func (c Config) check() error {
	switch {
	case len(c.Key) < 32:
		return fmt.Errorf("the key has %d bytes; it needs at least 32 random ones", len(c.Key))
	case c.Idle < time.Minute:
		return errors.New("the setting Idle is less than a minute; people take longer for a page")
	case c.RequestTime <= 0 || c.Grace <= 0:
		return errors.New("RequestTime and Grace must be greater than zero")
	case c.Leave < 0:
		return errors.New("the setting Leave must not be negative")
	case c.MaxConns <= 0 || c.MaxRequests <= 0:
		return errors.New("MaxConns and MaxRequests must be greater than zero")
	case c.Reports != nil && c.ReportCSP == "":
		return errors.New("ReportCSP is empty; reports must not be served without a content policy")
	case c.Proxies < 1:
		return errors.New("the setting Proxies must be at least 1; without a proxy leave HTTPS off")
	}
	return errors.Join(c.Pressure.check(), c.Limits.check())
}

// protection knows whose pages may post here.
func (c Config) protection() (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	for _, origin := range c.Origins {
		if err := p.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("origin %q: %w; write it as https://host", origin, err)
		}
	}
	return p, nil
}
