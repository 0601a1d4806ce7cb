-- By how much the system's clock was set while a number was open, all in all. Set forward, it takes the number's end
-- along, which the provider has told to be earlier: at expires_at - max(0, clock_moved).
ALTER TABLE numbers ADD COLUMN clock_moved INTEGER NOT NULL DEFAULT 0;
