package main

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// ClickHouse may be away when the program starts: interviews are accepted, and stored
// when it answers.
func TestClickHouseAway(t *testing.T) {
	state := t.TempDir()
	must(t, "publish", "zj", "--state", state)
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(surveys.Interview{
		ID: uuid.NewString(), Revision: 1, Survey: q.ID, Version: q.Version(), Wave: "zj", Mode: surveys.ModeWeb, Lang: surveys.ZH,
		Started: time.Now(), Finished: time.Now(),
		Answers: surveys.Answers{"age": {"17"}, "resident": {"1"}, "military": {"2"}, "sex": {"1"}},
	})
	if err != nil {
		t.Fatal(err)
	}

	flags := &stateFlags{State: state, ClickHouse: "http://127.0.0.1:1/default"}
	st, err := flags.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := st.intake.Accept(t.Context(), body)
	if err != nil || receipt.Quarantined != "" {
		t.Fatalf("Accept() = %+v, %v, want a receipt while ClickHouse is away", receipt, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	e, err := engine.Start(t.Context(), engine.Config{Data: t.TempDir(), Library: os.Getenv("SUYANG_LIBCHDB")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	flags.ClickHouse = e.DSN()
	if st, err = flags.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := st.intake.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	ledger, err := st.intake.Verify(ctx)
	if err != nil || ledger.Stored != 1 || ledger.Accepted != 1 {
		t.Errorf("Verify() = %v, %v, want the one interview stored", ledger, err)
	}
}
