package server

import (
	"context"

	"github.com/suyang-survey/suyang/internal/intake"
)

// switchable is a real intake that a test can take away or hold up.
type switchable struct {
	Intake
	err            error
	entered, leave chan struct{}
}

func (s *switchable) Accept(ctx context.Context, body []byte) (intake.Receipt, error) {
	if s.err != nil {
		return intake.Receipt{}, s.err
	}
	if s.entered != nil {
		close(s.entered)
		<-s.leave
	}
	return s.Intake.Accept(ctx, body)
}
