package server

import (
	"context"
	"fmt"

	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
)

// noteReport puts into the audit trail that a report was made for somebody, or was not.
func (d *desk) noteReport(ctx context.Context, m making.Made) error {
	outcome := office.Done
	if m.Failed != nil {
		outcome = office.Refused
	}
	return d.office.Note(ctx, office.Entry{At: m.Ended, Who: m.Who, Action: "make report", Object: fmt.Sprintf("%s %d", m.Wave, m.Number), Outcome: outcome})
}

// noteRelease puts into the audit trail that a release was made for somebody, and why.
func (d *desk) noteRelease(o making.ReleaseOrder) func(ctx context.Context, number int) error {
	return func(ctx context.Context, number int) error {
		return d.office.Note(ctx, office.Entry{At: d.deps.Now(), Who: o.Who, Action: "make release", Object: fmt.Sprintf("%s %d · %s", o.Wave, number, o.Reason), Outcome: office.Done})
	}
}
