package office

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/suyang-survey/suyang/surveys"
)

// putFrame keeps the file of the frame that was drawn from, once.
func putFrame(ctx context.Context, tx *sql.Tx, n NewDraw) error {
	drawn := n.Draw.Frame
	if sum := sha256.Sum256(n.Frame); hex.EncodeToString(sum[:]) != drawn.Hash {
		return fmt.Errorf("the frame has the hash %x, and %s was drawn from %.12s…: %w", sum[:6], drawn.File, drawn.Hash, surveys.ErrConflict)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(n.Frame)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO frames (hash, name, at, who, content) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		drawn.Hash, drawn.File, n.At.Unix(), n.By, packed.Bytes())
	return err
}

// HasFrame says whether the file of a frame is kept.
func (s *Store) HasFrame(ctx context.Context, hash string) (has bool, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM frames WHERE hash = ?)", hash).Scan(&has)
	return has, away("look for the frame", err)
}

// FrameFile returns the file of a frame by its hash, as it was drawn from; ErrNotFound when
// it was not at hand when its draw was kept.
func (s *Store) FrameFile(ctx context.Context, hash string) ([]byte, error) {
	var packed []byte
	if err := s.db.QueryRowContext(ctx, "SELECT content FROM frames WHERE hash = ?", hash).Scan(&packed); err != nil {
		return nil, away("read the frame", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, away("read the frame", err)
	}
	content, err := io.ReadAll(r)
	return content, away("read the frame", errors.Join(err, r.Close()))
}
