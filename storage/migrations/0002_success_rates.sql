-- What became of the activations that were sold, in the order in which they ended: the record of each provider.
CREATE INDEX numbers_ended ON numbers (closed_at, id)
    WHERE kind = 'activation' AND state IN ('completed', 'cancelled', 'expired');
