package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
)

// shared is the engine of the tests that only ask and insert. folder is its data
// folder.
var (
	shared *engine.Engine
	folder string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(parentFolder) != "" { // it will be killed, and could not clear up
		return m.Run()
	}
	var err error
	if folder, err = os.MkdirTemp("", "engine-test-"); err == nil {
		defer os.RemoveAll(folder)
		shared, err = start(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Close()
	return m.Run()
}

func start(folder string) (*engine.Engine, error) {
	c, err := enginetest.Config(folder)
	if err != nil {
		return nil, err
	}
	return engine.Start(context.Background(), c)
}

// connect opens clickhouse-go on the engine, as the store does.
func connect(t testing.TB, e *engine.Engine) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func exec(t testing.TB, c driver.Conn, query string, args ...any) {
	t.Helper()
	if err := c.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// value asks for one value.
func value[T any](t testing.TB, c driver.Conn, query string, args ...any) T {
	t.Helper()
	var v T
	if err := c.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func check[T any](t *testing.T, name string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// row has one field for every kind of column that the engine's frames treat in
// its own way.
type row struct {
	ID       uuid.UUID                      `ch:"id"`
	Answers  map[string]string              `ch:"answers"`
	Times    map[string][]uint32            `ch:"times"`
	Place    string                         `ch:"place"`
	Level    *string                        `ch:"level"`
	At       time.Time                      `ch:"at"`
	Day      time.Time                      `ch:"day"`
	Code     string                         `ch:"code"`
	Weight   *float64                       `ch:"weight"`
	Choices  [][]string                     `ch:"choices"`
	Notes    []*string                      `ch:"notes"`
	Mode     string                         `ch:"mode"`
	Complete bool                           `ch:"complete"`
	Pair     map[string]any                 `ch:"pair"`
	Nested   map[string]map[string]*float64 `ch:"nested"`
}

const rowColumns = `
	id UUID, answers Map(String, String), times Map(LowCardinality(String), Array(UInt32)), place LowCardinality(String),
	level LowCardinality(Nullable(String)), at DateTime64(3, 'Asia/Shanghai'), day Date, code FixedString(6),
	weight Nullable(Float64), choices Array(Array(LowCardinality(String))), notes Array(Nullable(String)),
	mode Enum8('web' = 1, 'tablet' = 2), complete Bool, pair Tuple(item String, points Int32),
	nested Map(String, Map(String, Nullable(Float64)))`

func testRows() []row {
	shanghai := time.FixedZone("", 8*3600)
	high, note, w := "高", "a\nb\x00'c'", 1.25
	return []row{
		{
			ID: uuid.MustParse("0194b7a0-0000-7000-8000-000000000001"), Answers: map[string]string{"q1": "a", "题二": "含\n行"},
			Times: map[string][]uint32{"q1": {1, 2, 3}, "q2": {}}, Place: "杭州", Level: &high,
			At: time.Date(2026, 3, 1, 9, 30, 0, 123e6, shanghai), Day: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Code: "330106",
			Weight: &w, Choices: [][]string{{"a", "b"}, {}, {"a"}}, Notes: []*string{&note, nil}, Mode: "tablet", Complete: true,
			Pair: map[string]any{"item": "q1", "points": int32(-2)}, Nested: map[string]map[string]*float64{"x": {"y": nil, "z": &w}},
		},
		{
			ID: uuid.Nil, Answers: map[string]string{}, Times: map[string][]uint32{}, At: time.Date(1999, 12, 31, 23, 59, 59, 0, shanghai),
			Day: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), Code: "000000", Choices: [][]string{}, Notes: []*string{}, Mode: "web",
			Pair: map[string]any{"item": "", "points": int32(0)}, Nested: map[string]map[string]*float64{},
		},
	}
}

func TestEveryKindOfColumnComesBackAsItWent(t *testing.T) {
	c := connect(t, shared)
	exec(t, c, "CREATE TABLE kinds ("+rowColumns+") ENGINE = MergeTree ORDER BY id")
	batch, err := c.PrepareBatch(t.Context(), "INSERT INTO kinds")
	if err != nil {
		t.Fatal(err)
	}
	want := testRows()
	for i := range want {
		if err := batch.AppendStruct(&want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var got []row
	if err := c.Select(t.Context(), &got, "SELECT * FROM kinds ORDER BY id DESC"); err != nil {
		t.Fatal(err)
	}
	check(t, "rows", got, want)
}

func TestOtherTypesCanBeRead(t *testing.T) {
	c := connect(t, shared)
	exec(t, c, "CREATE TABLE sums (k UInt8, n SimpleAggregateFunction(sum, UInt64), m SimpleAggregateFunction(max, Nullable(Int8))) ENGINE = AggregatingMergeTree ORDER BY k")
	exec(t, c, "INSERT INTO sums VALUES (1, 2, NULL), (1, 3, 4)")
	rows, err := c.Query(t.Context(), `SELECT toDecimal64(1.5, 3), toDecimal128(2.5, 20), toInt256(-1), toIPv4('10.0.0.1'),
		toIPv6('::1'), toDate32('1900-01-01'), (1, 'a'), NULL, toIntervalDay(3), (1.0, 2.0)::Point, n, m, 'z'
		FROM (SELECT sum(n) AS n, max(m) AS m FROM sums)`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	check(t, "types", rows.ColumnTypes()[0].DatabaseTypeName(), "Decimal(18, 3)")
	check(t, "has a row", rows.Next(), true)
}

func TestABatchOfTwentyThousandRows(t *testing.T) {
	const n = 20_000
	c := connect(t, shared)
	exec(t, c, "CREATE TABLE big (id UInt64, answers Map(LowCardinality(String), String)) ENGINE = MergeTree ORDER BY id")
	batch, err := c.PrepareBatch(t.Context(), "INSERT INTO big (id, answers)")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(n) {
		if err := batch.Append(i, map[string]string{"q1": "a\n;", "q2": fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	check(t, "rows", value[uint64](t, c, "SELECT count() FROM big"), n)
	// Σ 0…19999 = 19999·20000/2
	check(t, "sum", value[uint64](t, c, "SELECT sum(toUInt64(answers['q2'])) FROM big"), 199_990_000)
	files, err := os.ReadDir(folder + "/spool")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "files left in the spool folder", len(files), 0)
}

func TestAMillionRowsComeInBlocks(t *testing.T) {
	c := connect(t, shared)
	rows, err := c.Query(t.Context(), "SELECT number, toString(number) FROM numbers(1000000)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var n, number, sum uint64
	var text string
	for rows.Next() {
		if err := rows.Scan(&number, &text); err != nil {
			t.Fatal(err)
		}
		n, sum = n+1, sum+number
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	check(t, "rows", n, 1_000_000)
	check(t, "sum", sum, 499_999_500_000) // Σ 0…999999
}

func TestARepeatedTokenInsertsOnce(t *testing.T) {
	c := connect(t, shared)
	exec(t, c, "CREATE TABLE once (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100")
	insert := func(token string, ids ...uint64) {
		t.Helper()
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
		batch, err := c.PrepareBatch(ctx, "INSERT INTO once")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if err := batch.Append(id); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	insert("block 1", 1, 2)
	insert("block 1", 1, 2)
	insert("block 2", 3)
	check(t, "rows", value[uint64](t, c, "SELECT count() FROM once"), 3)
}

func TestParametersKeepTheirText(t *testing.T) {
	c := connect(t, shared)
	for name, text := range map[string]string{
		"quote": `O'Brien`, "sql": `'; DROP TABLE x; --`, "backslash": `a\b\n`, "lines": "a\nb\tc", "chinese": "公民科学素质", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			check(t, "bound", value[string](t, c, "SELECT {text:String}", clickhouse.Named("text", text)), text)
			check(t, "positional", value[string](t, c, "SELECT ?", text), text)
		})
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"ids": "[1,3]"}))
	var n uint64
	if err := c.QueryRow(ctx, "SELECT count() FROM numbers(5) WHERE number IN {ids:Array(UInt64)}").Scan(&n); err != nil {
		t.Fatal(err)
	}
	check(t, "array", n, 2)
}

func TestOneRequestLeavesNothingToTheNext(t *testing.T) {
	c := connect(t, shared)
	const question = "SELECT toUInt64(getSetting('max_result_rows'))"
	before := value[uint64](t, c, question)
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_result_rows": 77}))
	var during uint64
	if err := c.QueryRow(ctx, question).Scan(&during); err != nil {
		t.Fatal(err)
	}
	check(t, "with the setting", during, 77)
	for range 20 {
		check(t, "without it", value[uint64](t, c, question), before)
	}
	if value[string](t, c, "SELECT {gone:String}", clickhouse.Named("gone", "x")) != "x" {
		t.Error("parameter not seen")
	}
	wantCode(t, c.Exec(t.Context(), "SELECT {gone:String}"), 456) // UNKNOWN_QUERY_PARAMETER
	exec(t, c, "CREATE TEMPORARY TABLE passing (a UInt8)")
	wantCode(t, c.Exec(t.Context(), "SELECT * FROM passing"), 60) // UNKNOWN_TABLE
}

func wantCode(t *testing.T, err error, code int32) {
	t.Helper()
	var e *clickhouse.Exception
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error = %v, want a ClickHouse exception with code %d", err, code)
	}
}

func TestErrorsAreClickHouseExceptions(t *testing.T) {
	c := connect(t, shared)
	wantCode(t, c.Exec(t.Context(), "SELECT * FROM no_such_table"), 60)
	wantCode(t, c.Exec(t.Context(), "SELECT FROM WHERE"), 62)
	wantCode(t, c.Exec(t.Context(), "SELECT 1; SELECT 2"), 62)
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
	wantCode(t, c.Exec(ctx, "SELECT 1"), 115)
}

func TestAnErrorInTheMiddleOfTheAnswerIsSeen(t *testing.T) {
	c := connect(t, shared)
	rows, err := c.Query(t.Context(), "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_threads = 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	wantCode(t, rows.Err(), 395) // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
	if n == 0 || n >= 1_000_000 {
		t.Errorf("%d rows came before the error, want some and not all", n)
	}
}

func TestAWrongSecretIsRefused(t *testing.T) {
	options, err := clickhouse.ParseDSN(strings.Replace(shared.DSN(), shared.Secret(), "guess", 1))
	if err != nil {
		t.Fatal(err)
	}
	c, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wantCode(t, c.Ping(t.Context()), 516) // AUTHENTICATION_FAILED
}

func TestQueriesRunSideBySide(t *testing.T) {
	c := connect(t, shared)
	exec(t, c, "CREATE TABLE side (id UInt64) ENGINE = MergeTree ORDER BY id")
	var all sync.WaitGroup
	for i := range uint64(4) {
		all.Go(func() {
			for j := range uint64(10) {
				if err := c.Exec(t.Context(), "INSERT INTO side VALUES (?)", i*10+j); err != nil {
					t.Error(err)
				}
				var n uint64
				if err := c.QueryRow(t.Context(), "SELECT count() FROM side").Scan(&n); err != nil || n == 0 {
					t.Errorf("count = %d, %v", n, err)
				}
			}
		})
	}
	all.Wait()
	check(t, "rows", value[uint64](t, c, "SELECT count() FROM side"), 40)
}

// endless reads a table, so that it counts as a report, and does not end by
// itself while a test runs.
const endless = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"

func TestInsertsPassLongReports(t *testing.T) {
	c := connect(t, shared)
	exec(t, c, "CREATE TABLE passing_by (id UInt64) ENGINE = MergeTree ORDER BY id")
	ctx, stop := context.WithCancel(t.Context())
	var reports sync.WaitGroup
	for range 10 { // more than run at a time
		reports.Go(func() {
			if err := connect(t, shared).Exec(ctx, endless, clickhouse.Named("unused", 1)); err == nil {
				t.Error("the report ended")
			}
		})
	}
	awaitRunning(t, c, 8)
	exec(t, c, "INSERT INTO passing_by VALUES (1)")
	stop()
	reports.Wait()
	awaitRunning(t, c, 0) // the engine stopped what nobody waits for
}

// awaitRunning waits until so many endless queries run. It asks a system table by
// a statement that does not count as a report.
func awaitRunning(t *testing.T, c driver.Conn, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		rows, err := c.Query(t.Context(), "SHOW PROCESSLIST")
		if err != nil {
			t.Fatal(err)
		}
		running := 0
		for rows.Next() {
			running++
		}
		rows.Close()
		if running-1 == n { // without the question itself
			return
		}
	}
	t.Fatalf("never saw %d running reports", n)
}

func TestADeadlineEndsAQuery(t *testing.T) {
	c := connect(t, shared)
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 1}))
	wantCode(t, c.Exec(ctx, endless), 159) // TIMEOUT_EXCEEDED
}

func TestAQueryThatTakesTooMuchMemoryFailsAlone(t *testing.T) {
	c := connect(t, shared)
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_memory_usage": 50_000_000}))
	wantCode(t, c.Exec(ctx, "SELECT length(groupArray(number)) FROM numbers(100000000)"), 241) // MEMORY_LIMIT_EXCEEDED
	check(t, "the next one", value[uint8](t, c, "SELECT 1"), 1)
	check(t, "limit of the next one", value[uint64](t, c, "SELECT toUInt64(getSetting('max_memory_usage'))"), engine.DefaultMemory)
}
