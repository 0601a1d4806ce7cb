"""The `handler_api.php` protocol of the SMS-Activate family: one adapter, its members' dialects as data."""
