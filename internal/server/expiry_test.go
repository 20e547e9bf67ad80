package server

import (
	"testing"
	"time"
)

// A form is open until the last second of its last day of validity in China, then it
// closes by itself: nobody begins, and nobody goes on who has begun.
func TestFormClosesAfterItsLastDay(t *testing.T) {
	s := villageSite(t) // valid until 2026-12-31
	midnight := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)
	s.clock.pass(midnight.Add(-time.Second).Sub(s.clock.Now()))
	begun := s.get("/s/village").want(200, "乡村科学素质调查").press("start").want(200, "基本情况")
	s.clock.pass(time.Second)
	s.get("/s/village").want(410, "调查已结束")
	begun.fill("age", "35").fill("internet", "no").press("next").want(410, "调查已结束")
}
