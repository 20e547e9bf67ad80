package office

import (
	"context"
	"encoding/json"

	"github.com/suyang-survey/suyang/internal/auth"
)

// Areas returns the areas of those cases of a wave that an account may see; other cases, and
// names that are no case, are not in the result.
func (s *Store) Areas(ctx context.Context, a auth.Account, wave string, ids []string) (map[string]string, error) {
	areas := map[string]string{}
	if len(ids) == 0 || !a.May(auth.ReadCases) {
		return areas, nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	condition, values := visible(a)
	rows, err := s.db.QueryContext(ctx, "SELECT id, area FROM cases WHERE wave = ? AND id IN (SELECT value FROM json_each(?)) AND "+condition, append([]any{wave, string(list)}, values...)...)
	if err != nil {
		return nil, away("look where cases lie", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, area string
		if err := rows.Scan(&id, &area); err != nil {
			return nil, away("look where cases lie", err)
		}
		areas[id] = area
	}
	return areas, away("look where cases lie", rows.Err())
}
