package server

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// Stats is the state of the parts behind the server, for the metrics.
type Stats struct {
	// Logs are the logs by name: interviews, tablets.
	Logs map[string]wal.Stat
	// Shipping is the way from the log of interviews to the store.
	Shipping intake.ShippingStat
	// StoreUp says that the store answers.
	StoreUp bool
	// Drafts counts the interviews that are kept under way, by their state; nil when they
	// cannot be counted.
	Drafts map[drafts.State]int
}

// metrics counts what the server does. Its labels are routes as they are declared, methods of
// HTTP, classes of status and names of our own: nothing that a client can choose.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	refused  *prometheus.CounterVec
	// cells are the counters of the routes, found once.
	cells map[string]*cell
}

// cell is what is counted for one route.
type cell struct {
	byClass [6]prometheus.Counter // 0 is for whatever is no status
	seconds prometheus.Observer
}

// noRoute stands for addresses that do not exist.
const noRoute = "none"

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "suyang_http_requests_total",
			Help: "Requests by route and class of status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "suyang_http_request_seconds",
			Help: "How long requests took, in seconds.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 30}}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "suyang_http_in_flight", Help: "Requests being answered."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "suyang_refused_total",
			Help: "Requests turned away: bytes, wait, disk-starts and disk with 503; session, link, device, account and network with 429; connections and headers, whose connection is closed."}, []string{"reason"}),
		cells: map[string]*cell{},
	}
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, m.refused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, reason := range []string{"bytes", "wait", "disk-starts", "disk", "session", "link", "device", "account", "network", "connections", "headers"} {
		m.refused.WithLabelValues(reason)
	}
	return m
}

// know makes the cells of the routes. Nothing is added while the server runs, so that a
// request needs no lock.
func (m *metrics) know(routes []*echo.Route) {
	m.cells[noRoute] = m.newCell(noRoute)
	for _, r := range routes {
		if route := routeName(r.Path); m.cells[route] == nil {
			m.cells[route] = m.newCell(route)
		}
	}
}

func (m *metrics) newCell(route string) *cell {
	c := &cell{seconds: m.seconds.WithLabelValues(route)}
	for class := range c.byClass {
		c.byClass[class] = m.requests.WithLabelValues(route, strconv.Itoa(class)+"xx")
	}
	return c
}

// routeName is the label of a route.
func routeName(path string) string { return cmp.Or(path, noRoute) }

func (m *metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

// count is the middleware that counts requests. It stands outside of record, which makes
// errors into answers.
func (m *metrics) count(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		began := time.Now()
		err := next(c)
		cell := m.cells[routeName(c.Path())]
		if cell == nil {
			cell = m.cells[noRoute]
		}
		class := c.Response().Status / 100
		if class < 0 || class >= len(cell.byClass) {
			class = 0
		}
		cell.byClass[class].Inc()
		cell.seconds.Observe(time.Since(began).Seconds())
		return err
	}
}

// gauge is one number of Stats or of the server. Several may have one name, with other
// labels.
type gauge struct {
	name, help, label string
	kind              prometheus.ValueType
	values            func(s *Server, st Stats) map[string]float64
}

// one is a number without a label.
func one(v float64) map[string]float64 { return map[string]float64{"": v} }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// ofLogs is a number of each log.
func ofLogs(f func(wal.Stat) float64) func(*Server, Stats) map[string]float64 {
	return func(_ *Server, st Stats) map[string]float64 {
		values := map[string]float64{}
		for name, l := range st.Logs {
			values[name] = f(l)
		}
		return values
	}
}

// ofShipping is a number of the shipping.
func ofShipping(f func(intake.ShippingStat) uint64) func(*Server, Stats) map[string]float64 {
	return func(_ *Server, st Stats) map[string]float64 { return one(float64(f(st.Shipping))) }
}

const (
	counter = prometheus.CounterValue
	level   = prometheus.GaugeValue
)

// gauges are read when somebody asks for the metrics.
var gauges = []gauge{
	{"suyang_log_records_total", "Records appended since the start, by log.", "log", counter, ofLogs(func(l wal.Stat) float64 { return float64(l.Records) })},
	{"suyang_log_batches_total", "Batches written since the start, each with one sync.", "log", counter, ofLogs(func(l wal.Stat) float64 { return float64(l.Batches) })},
	{"suyang_log_sync_seconds_total", "Time spent in syncs since the start.", "log", counter, ofLogs(func(l wal.Stat) float64 { return l.SyncTime.Seconds() })},
	{"suyang_log_bytes", "Bytes of the records that are kept.", "log", level, ofLogs(func(l wal.Stat) float64 { return float64(l.Bytes) })},
	{"suyang_log_segments", "Segment files.", "log", level, ofLogs(func(l wal.Stat) float64 { return float64(l.Segments) })},
	{"suyang_log_abandoned_total", "Segments given up because of disk errors since the start.", "log", counter, ofLogs(func(l wal.Stat) float64 { return float64(l.Abandoned) })},
	{"suyang_log_damaged_ranges", "Ranges that cannot be read.", "log", level, ofLogs(func(l wal.Stat) float64 { return float64(len(l.Damaged)) })},
	{"suyang_log_refuses", "1 when the log takes nothing: read-only or full.", "log", level, ofLogs(func(l wal.Stat) float64 { return truth(l.Err != nil) })},
	{"suyang_shipping_cursor", "Sequence number up to which everything is stored or in quarantine.", "", level, ofShipping(func(s intake.ShippingStat) uint64 { return s.Cursor })},
	{"suyang_shipping_pending", "Records of the log behind the cursor.", "", level, ofShipping(func(s intake.ShippingStat) uint64 { return s.Pending })},
	{"suyang_shipping_verified_total", "Interviews found in the store by count and checksum since the start.", "", counter, ofShipping(func(s intake.ShippingStat) uint64 { return s.Verified })},
	{"suyang_shipping_resends_total", "Attempts after which a block was not found whole in the store, since the start.", "", counter, ofShipping(func(s intake.ShippingStat) uint64 { return s.Resends })},
	{"suyang_quarantined", "Submissions that are kept and do not count.", "", level, ofShipping(func(s intake.ShippingStat) uint64 { return s.Quarantined })},
	{"suyang_store_up", "1 when the store answers.", "", level, func(_ *Server, st Stats) map[string]float64 { return one(truth(st.StoreUp)) }},
	{"suyang_drafts", "Interviews kept under way, by state.", "state", level, func(_ *Server, st Stats) map[string]float64 {
		values := map[string]float64{}
		for state, name := range draftStates {
			if st.Drafts != nil {
				values[name] = float64(st.Drafts[state])
			}
		}
		return values
	}},
	{"suyang_disk_used", "Share of the log's disk in use, from 0 to 1.", "", level, func(s *Server, _ Stats) map[string]float64 {
		d, err := s.load.look()
		if err != nil {
			return nil
		}
		return one(d.Used)
	}},
	{"suyang_room", "0: everything is taken; 1: no new online interviews; 2: nothing.", "", level, func(s *Server, _ Stats) map[string]float64 { return one(float64(s.load.room())) }},
	{"suyang_bytes_in_flight", "Bytes of bodies that have arrived and are not answered.", "", level, func(s *Server, _ Stats) map[string]float64 { return one(float64(s.load.bytes.Load())) }},
	{"suyang_waiting", "Requests that wait for their turn.", "", level, func(s *Server, _ Stats) map[string]float64 { return one(float64(s.load.waiting.Load())) }},
}

var draftStates = map[drafts.State]string{
	drafts.UnderWay: "under-way", drafts.Sending: "sending", drafts.Finished: "finished", drafts.Parting: "parting", drafts.BrokenOff: "broken-off",
}

// collector gives the gauges of a server.
type collector struct{ s *Server }

func (g gauge) desc() *prometheus.Desc {
	var labels []string
	if g.label != "" {
		labels = []string{g.label}
	}
	return prometheus.NewDesc(g.name, g.help, labels, nil)
}

// Describe lists the gauges.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, g := range gauges {
		to <- g.desc()
	}
}

// statTime is how long the parts behind the server have to say how they are.
const statTime = 3 * time.Second

// Collect reads the gauges.
func (c collector) Collect(to chan<- prometheus.Metric) {
	var st Stats
	if c.s.deps.Stats != nil {
		ctx, cancel := context.WithTimeout(context.Background(), statTime)
		defer cancel()
		st = c.s.deps.Stats(ctx)
	}
	for _, g := range gauges {
		for label, v := range g.values(c.s, st) {
			var labels []string
			if g.label != "" {
				labels = []string{label}
			}
			to <- prometheus.MustNewConstMetric(g.desc(), g.kind, v, labels...)
		}
	}
}

// Metrics is the handler of the metrics. It says much about the installation, so it is for a
// listener of its own, which respondents cannot reach.
func (s *Server) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}
