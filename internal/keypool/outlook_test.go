package keypool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/keypool"
)

func TestTheOutlookIsThatOfTheKeysThatCanRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newService(1, 1).pool(t, 1, 1, nil)
		if takes, perMinute := p.Outlook(model, time.Now()); takes != 0 || perMinute != 0 {
			t.Errorf("before the first call: %v, %v a minute", takes, perMinute)
		}
		once(t, p, keypool.Outcome{Class: keypool.OK, Took: 4 * time.Second})
		if takes, perMinute := p.Outlook(model, time.Now()); takes != 4*time.Second || perMinute != 0 {
			t.Errorf("after a call of 4 s without a limit: %v, %v a minute", takes, perMinute)
		}
		if takes, _ := p.Outlook("another", time.Now()); takes != 0 {
			t.Errorf("a model that was never asked takes %v", takes)
		}
		once(t, p, keypool.Outcome{Class: keypool.RPM, Limit: 10})
		if _, perMinute := p.Outlook(model, time.Now()); perMinute != 10 {
			t.Errorf("with a limit of 10: %v a minute", perMinute)
		}
		if err := p.Disable(p.Status(time.Now()).Keys[0].Label); err != nil {
			t.Fatal(err)
		}
		if takes, perMinute := p.Outlook(model, time.Now()); takes != 0 || perMinute != 0 {
			t.Errorf("with its only key switched off: %v, %v a minute", takes, perMinute)
		}
	})
}
