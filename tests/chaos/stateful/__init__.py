"""Any order of events at the services, against a model of numbers and money that knows only what the outside did."""
