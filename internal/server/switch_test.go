package server

import (
	"context"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// switchable is a real intake that a test can take away or hold up.
type switchable struct {
	Intake
	err            error
	entered, leave chan struct{}
}

func (s *switchable) Accept(ctx context.Context, body []byte) (intake.Receipt, error) {
	if err := s.switched(); err != nil {
		return intake.Receipt{}, err
	}
	return s.Intake.Accept(ctx, body)
}

func (s *switchable) AcceptIf(ctx context.Context, body []byte, may func(*surveys.Interview) error) (intake.Receipt, error) {
	if err := s.switched(); err != nil {
		return intake.Receipt{}, err
	}
	return s.Intake.AcceptIf(ctx, body, may)
}

// switched is the error of an intake that is away, after it was held up.
func (s *switchable) switched() error {
	if s.err == nil && s.entered != nil {
		close(s.entered)
		<-s.leave
	}
	return s.err
}
