package main

// rewriteCode writes functions anew where Go's compiler says the same many times in other words.
func (m *module) rewriteCode(t *tables) error {
	records, err := t.records()
	if err != nil {
		return err
	}
	if len(records) != len(m.functions) {
		return errMalformed
	}
	sigpanic, err := t.findFunction(records, "runtime.sigpanic")
	if err != nil {
		return err
	}
	sigpanic += m.imports
	pcs := make([]pcTables, len(records))
	for i, f := range m.functions {
		if f.sharesPC(i) {
			continue // it was done already
		}
		f.simplify()
		f.unwindInPlace(int64(sigpanic))
		f.straighten()
		f.removeDead()
		if !records[i].special() {
			if pcs[i], err = f.renumber(i, records[i], t, int64(sigpanic)); err != nil {
				return err
			}
		}
		f.removeBlocks()
		f.removeDead()
		f.sharePC(i)
	}
	return t.layOutPCs(records, pcs)
}
