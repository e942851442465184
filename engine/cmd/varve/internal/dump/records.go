package dump

import (
	"fmt"

	"github.com/varvedb/varve/engine/internal/record"
)

// records calls visit for every whole record of a log or manifest. A record holds during the call.
func (d *dumper) records(visit func(offset int64, data []byte)) error {
	s := record.Salvage{
		Record: func(from, _ int64, data []byte) error {
			visit(from, data)
			return nil
		},
		Damage: func(from, to int64, reason string) {
			if from < to {
				reason = fmt.Sprintf("%s, %d bytes are lost", reason, to-from)
			}
			d.damaged(from, reason)
		},
	}
	torn, err := s.Read(d.file, d.size)
	if err != nil {
		return fmt.Errorf("read %s: %w", d.name, err)
	}
	if torn >= 0 {
		d.at(torn, "cut off: the file ends within a record, as a crash leaves it")
	}
	return nil
}
