package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Client asks another node.
type Client struct {
	base  string
	token string
	http  *http.Client
	// heard is the number that the node said last, 0 before it said one.
	heard atomic.Uint32
}

// Connect returns a client for the node at an address such as https://office.example.cn.
// Nothing is asked yet. Since the token goes with each question, the address must be https,
// unless the node is on this machine.
func Connect(address, token string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())) {
		return nil, fmt.Errorf("%q is no address of a node: write https://host, or http://127.0.0.1:port on the same machine: %w", address, surveys.ErrInvalid)
	}
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.DisableCompression = true // of the ends' time, not of the line's
	c := &http.Client{Transport: own, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Client{base: strings.TrimSuffix(address, "/"), token: token, http: c}, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Address is where the node is.
func (c *Client) Address() string { return c.base }

// Number is the number of the node, as it said last; 0 when it was not reached yet.
func (c *Client) Number() uint16 { return uint16(c.heard.Load()) }

// ask sends a question and returns the answer, whose body the caller closes. An answer that
// refuses is an error.
func (c *Client) ask(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	res, err := c.send(ctx, method, path, header, body)
	if err != nil || res.StatusCode < http.StatusBadRequest && res.StatusCode != http.StatusFound {
		return res, err
	}
	defer res.Body.Close()
	return nil, c.refused(res)
}

// send is ask that returns every answer.
func (c *Client) send(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		r.Header[k] = v
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("node %s does not answer: %w: %w", c.base, surveys.ErrUnavailable, err)
	}
	return res, nil
}

// refused is the error of an answer that refuses.
func (c *Client) refused(res *http.Response) error {
	said, _ := io.ReadAll(io.LimitReader(res.Body, 500))
	return fmt.Errorf("node %s answers %d, %s: %w", c.base, res.StatusCode, bytes.TrimSpace(said), kindOf(res.StatusCode))
}

func kindOf(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrStranger
	case http.StatusConflict:
		return surveys.ErrConflict
	case http.StatusNotFound:
		return surveys.ErrNotFound
	case http.StatusBadRequest:
		return surveys.ErrInvalid
	case http.StatusRequestEntityTooLarge:
		return surveys.ErrTooLarge
	}
	return surveys.ErrUnavailable
}

// ErrStranger says that another node does not know this one's secret.
var ErrStranger = errors.New("the node is of another installation; copy the file “key” from the state folder of the office")

// most is the largest list of waves that is taken.
const most = 256 << 20

// Waves returns what the office has published, and its tag; nil when the tag is still that.
func (c *Client) Waves(ctx context.Context, tag string) (*Bundle, string, error) {
	h := http.Header{}
	if tag != "" {
		h.Set("If-None-Match", strconv.Quote(tag))
	}
	res, err := c.ask(ctx, http.MethodGet, "/v1/node/waves", h, nil)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified {
		return nil, tag, nil
	}
	b := &Bundle{}
	if err := json.NewDecoder(io.LimitReader(res.Body, most)).Decode(b); err != nil {
		return nil, "", fmt.Errorf("read the waves of the office: %w: %w", surveys.ErrUnavailable, err)
	}
	now, err := strconv.Unquote(res.Header.Get("ETag"))
	if err == nil {
		err = b.check(now)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read the waves of the office: %w: %w", surveys.ErrInvalid, err)
	}
	return b, now, nil
}

// Page is a piece of another node's log.
type Page struct {
	Node    uint16
	Records []wal.Record
	// UpTo is the number that the piece reaches to: the one to ask after next.
	UpTo uint64
	// Stored is how far the node has brought its log into the store.
	Stored uint64
	// Head is the end of the chain of the node's log; zero when the node does not say it.
	Head wal.Head
}

// Log returns the records of the node's log that follow a number.
func (c *Client) Log(ctx context.Context, after uint64) (Page, error) {
	p, err := c.page(ctx, fmt.Sprintf("/v1/node/log?after=%d", after))
	if err == nil {
		c.heard.Store(uint32(p.Node))
	}
	return p, err
}

// Copied returns the records that follow a number of the copy that the node keeps of another
// node's log.
func (c *Client) Copied(ctx context.Context, of uint16, after uint64) (Page, error) {
	return c.page(ctx, fmt.Sprintf("/v1/node/copies/%d/log?after=%d", of, after))
}

func (c *Client) page(ctx context.Context, path string) (p Page, err error) {
	res, err := c.ask(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return p, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, copyBytes+1))
	if err != nil {
		return p, fmt.Errorf("read the log of node %s: %w: %w", c.base, surveys.ErrUnavailable, err)
	}
	if p.Node, err = c.numberOf(res); err != nil {
		return p, err
	}
	p.Stored, _ = strconv.ParseUint(res.Header.Get(headerStored), 10, 64)
	p.Head, _ = wal.ParseHead(res.Header.Get(headerHead))
	if p.UpTo, err = number(res.Header.Get(headerUpTo)); err != nil {
		return p, fmt.Errorf("node %s: %w", c.base, err)
	}
	p.Records, err = wal.ReadRecords(body)
	return p, err
}

// numberOf is the number that an answer says is that of the log.
func (c *Client) numberOf(res *http.Response) (uint16, error) {
	n, err := strconv.ParseUint(res.Header.Get(headerNode), 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("node %s does not say its number: %w", c.base, surveys.ErrInvalid)
	}
	return uint16(n), nil
}

// copyState says how far the node's copy of a log is.
func (c *Client) copyState(ctx context.Context, of uint16) (upTo uint64, mark string, err error) {
	res, err := c.ask(ctx, http.MethodGet, fmt.Sprintf("/v1/node/copies/%d", of), nil, nil)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 100))
	if err != nil {
		return 0, "", fmt.Errorf("node %s: %w: %w", c.base, surveys.ErrUnavailable, err)
	}
	upTo, err = number(res.Header.Get(headerUpTo))
	return upTo, string(text), err
}

// sendCopy sends records that follow a number to the node's copy of a log, and returns up to
// which number they are durable there.
func (c *Client) sendCopy(ctx context.Context, of uint16, after uint64, mark string, records []byte) (upTo uint64, err error) {
	path := fmt.Sprintf("/v1/node/copies/%d?after=%d&mark=%s", of, after, url.QueryEscape(mark))
	res, err := c.ask(ctx, http.MethodPost, path, http.Header{"Content-Type": {mediaRecords}}, bytes.NewReader(records))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10)) // so that the connection is used again
	return number(res.Header.Get(headerUpTo))
}
