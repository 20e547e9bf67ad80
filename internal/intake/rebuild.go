package intake

import (
	"context"
	"fmt"
)

// rebuildBytes is the size of a block while nothing but a rebuild runs: the store takes few
// large blocks several times as fast as many small ones, and has fewer parts to merge.
const rebuildBytes = 32 << 20

// Rebuild makes the records of this node in the store anew from the log. erase removes them.
// Run must not be running. progress, which may be nil, is called with how much of the log is
// shipped.
//
// That nothing is shipped is durable before the first record goes: whenever the program
// ends, what is missing counts as pending, and Run ships it after the next start. Whatever
// was wrong in the store and lies beyond what was erased, only a whole Rebuild puts right.
func (in *Intake) Rebuild(ctx context.Context, erase func(ctx context.Context, node uint16) error, progress func(done, total int)) error {
	if progress == nil {
		progress = func(int, int) {}
	}
	in.ship.rebuilt++
	if err := in.advance(0); err != nil {
		return fmt.Errorf("begin to rebuild the store: %w", err)
	}
	if err := erase(ctx, in.cfg.Node); err != nil {
		return fmt.Errorf("begin to rebuild the store: %w", err)
	}
	in.dropAhead()
	defer in.dropAhead()
	usual := in.cfg.BlockBytes
	in.cfg.BlockBytes = max(usual, rebuildBytes)
	defer func() { in.cfg.BlockBytes = usual }()
	last, wait := in.last(), in.newWait()
	for failures := 0; in.cursor() < last; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := in.shipBlock(ctx)
		switch {
		case err == nil:
			failures = 0
			if at := in.cursor(); at < last {
				progress(int(at), int(last))
			}
		default: // such as a block that is to be sent in smaller ones
			if failures++; failures > in.cfg.Attempts {
				return fmt.Errorf("rebuild the store: %w", err)
			}
			wait.Sleep(ctx)
		}
	}
	return nil
}
