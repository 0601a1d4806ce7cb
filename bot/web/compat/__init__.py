"""`/stubs/handler_api.php`: the protocol of SMS-Activate over the same services as the chat and the API.

Scripts and packages that were written for SMS-Activate need another host and a key of this bot, and nothing else.
"""
