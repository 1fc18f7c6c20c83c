package keypool

// NextMidnight is nextMidnight for tests.
var NextMidnight = nextMidnight
