package server

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/suyang-survey/suyang/internal/drafts"
)

// Rate is how many requests somebody may send: PerSecond in the long run, and Burst of them
// at once. PerSecond 0 is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limits are the rates of one client each. Who can prove who they are has a limit of their
// own, and takes nothing from others at the same address: a school has one for all its
// classes. Only requests without such a proof count for the network that they come from.
type Limits struct {
	// Session is for an interview under way, Link for a personal link, Device for a tablet,
	// Account for somebody at the desk.
	Session, Link, Device, Account Rate
	// Network is for an IPv4 network of 256 addresses, or an IPv6 network of a /48.
	Network Rate
	// Clients is how many clients of each kind are remembered at least. The one that was
	// away longest is forgotten, which gives it its burst anew.
	Clients int
}

// DefaultLimits returns limits that nobody reaches who reads what is on the pages. A script
// that keeps each answer sends one request for each.
func DefaultLimits() Limits {
	return Limits{
		Session: Rate{5, 150},
		Link:    Rate{2, 60},
		Device:  Rate{10, 300},
		Account: Rate{20, 1000},
		Network: Rate{50, 2000},
		Clients: 50_000,
	}
}

func (l Limits) check() error {
	for _, r := range []Rate{l.Session, l.Link, l.Device, l.Account, l.Network} {
		if r.PerSecond < 0 || r.PerSecond > 0 && r.Burst < 1 {
			return errors.New("Limits: a rate is negative, or its burst is less than 1")
		}
	}
	if l.Clients < 1 {
		return errors.New("Limits.Clients must be at least 1")
	}
	return nil
}

// limiter counts the requests of the clients of one kind. It remembers hashes of their names
// with a key of this process, so that no address of a network is kept.
type limiter struct {
	rate    Rate
	clients int
	seed    maphash.Seed

	mu sync.Mutex
	// young are the clients that came since it was last full, old those before.
	young, old map[uint64]*rate.Limiter
}

func newLimiter(r Rate, clients int) *limiter {
	return &limiter{rate: r, clients: clients, seed: maphash.MakeSeed(), young: map[uint64]*rate.Limiter{}}
}

// allow counts a request and says whether it is within the limit. now need not be the time of
// day, but must not be set back.
func (l *limiter) allow(client string, now time.Time) bool {
	if l.rate.PerSecond == 0 {
		return true
	}
	return l.of(maphash.String(l.seed, client)).AllowN(now, 1)
}

// of returns the count of a client. At most twice as many as clients are remembered.
func (l *limiter) of(client uint64) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := l.young[client]
	if count != nil {
		return count
	}
	if count = l.old[client]; count == nil {
		count = rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst)
	}
	if len(l.young) >= l.clients {
		l.young, l.old = make(map[uint64]*rate.Limiter, l.clients), l.young
	}
	l.young[client] = count
	return count
}

// limiters are those of a server.
type limiters struct{ session, link, device, account, network *limiter }

func (l Limits) limiters() limiters {
	return limiters{
		newLimiter(l.Session, l.Clients), newLimiter(l.Link, l.Clients), newLimiter(l.Device, l.Clients),
		newLimiter(l.Account, l.Clients), newLimiter(l.Network, l.Clients),
	}
}

// errTooMany is for who sends too much.
var errTooMany = errors.New("too many requests")

// charge counts a request of a client; kind names the limit in the metrics.
func (s *Server) charge(l *limiter, kind, client string) error {
	if l.allow(client, time.Now()) { // not the clock of the interviews, which may be set back
		return nil
	}
	s.load.refused(kind)
	return fmt.Errorf("%w of one %s", errTooMany, kind)
}

// chargeNetwork counts a request for the network that it comes from. This machine itself is
// no network: a program on it is the operator's own, and a proxy on it that does not say for
// whom it asks would have one limit for everybody.
func (s *Server) chargeNetwork(c echo.Context) error {
	network, limited := networkLimited(c.RealIP())
	if !limited {
		return nil
	}
	return s.charge(s.limits.network, "network", network)
}

// networkLimited is the network of an address, for Limits.Network.
func networkLimited(address string) (network string, limited bool) {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown", true
	}
	if ip = ip.Unmap().WithZone(""); ip.IsLoopback() {
		return "", false
	}
	bits := 24
	if ip.Is6() {
		bits = 48
	}
	p, err := ip.Prefix(bits)
	return p.String(), err == nil
}

// payer is who a request counts for.
type payer int

const (
	forNetwork payer = iota
	forSession
	forLink
	// forCaller: they say within their handler which tablet or account they come from; those
	// that cannot say it count for their network there.
	forCaller
	// forNobody: files that cost less than turning somebody away.
	forNobody
)

// payers says who the requests to an address count for, by the beginning of its route; the
// longest counts. Whatever is not listed counts for the network.
var payers = map[string]payer{
	"/a/:token":                 forSession,
	"/i/:token":                 forLink,
	"/v1/submissions":           forLink,
	"/v1/tablet/work":           forCaller,
	"/v1/tablet/sync":           forCaller,
	"/v1/tablet/questionnaire/": forCaller,
	"/desk":                     forCaller,
	"/desk/sign-in":             forNetwork,
	"/static/":                  forNobody,
	"/tablet":                   forNobody,
	"/healthz":                  forNobody,
	"/readyz":                   forNobody,
	"/v1/node/":                 forNobody, // whoever is no node is sent away before anything is read
}

func payerOf(route string) (who payer) {
	longest := 0
	for prefix, p := range payers {
		if strings.HasPrefix(route, prefix) && len(prefix) > longest {
			who, longest = p, len(prefix)
		}
	}
	return who
}

// fair refuses requests of clients that send too many.
func (s *Server) fair(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.pay(c, payerOf(c.Path())); err != nil {
			return err
		}
		return next(c)
	}
}

// pay counts a request. A token or link that is none proves nothing: such requests count for
// the network, so that nobody gets further limits by inventing tokens.
func (s *Server) pay(c echo.Context, who payer) error {
	ctx := c.Request().Context()
	switch who {
	case forCaller, forNobody:
		return nil
	case forSession:
		if interview, err := s.deps.Drafts.Interview(ctx, drafts.Token(c.Param("token"))); err == nil {
			return s.charge(s.limits.session, "session", interview)
		}
	case forLink:
		token := c.Param("token")
		if token == "" {
			token = bearer(c.Request())
		}
		if token == "" {
			break
		}
		if w, caseID, err := s.caseOf(ctx, token); err == nil {
			return s.charge(s.limits.link, "link", w.ID+"\x00"+caseID)
		}
	}
	return s.chargeNetwork(c)
}

// bearer is the token that a program proves with who it is, or "".
func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// address is where a request comes from. Each proxy adds the address that it sees at the end
// of X-Forwarded-For, so the one which the outermost of ours saw stands as many places from
// the end as we have proxies; what stands before it was written by the client, and is not
// believed. Nor is a header believed that comes from elsewhere than a proxy beside us.
func (s *Server) address(r *http.Request) string {
	direct := echo.ExtractIPDirect()(r)
	ip, err := netip.ParseAddr(direct)
	if !s.cfg.HTTPS || err != nil || !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast() {
		return direct
	}
	hops := strings.Split(strings.Join(r.Header.Values(echo.HeaderXForwardedFor), ","), ",")
	if len(hops) < s.cfg.Proxies {
		return direct
	}
	from, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-s.cfg.Proxies]))
	if err != nil {
		return direct
	}
	return from.String()
}
