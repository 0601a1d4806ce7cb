"""Words that people say to a bot and that name no service: lower case, without punctuation, `ё` written as `е`."""

_GREETINGS = """
    hello hi hey helo hallo hola hiya yo sup howdy greetings morning evening start menu begin
    привет приветик приветствую здравствуйте здравствуй здрасте здрасьте здарова хай ку салам салют алло старт меню
    добрый доброе доброго доброй
    """
_FILLERS = """
    a an the for please pls plz i we you want need get give buy rent order find show can could would like new some one
    number numbers phone sms code codes otp free cheap cheapest verification verify account with from and or
    пожалуйста плиз для мне нам нужен нужна нужно нужны надо хочу купить куплю дай дайте можно арендовать аренда
    новый номер номера номерок номеров телефон смс код коды кода бесплатно дешево дешевый аккаунт с со из от и или под
    """
_CHATTER = """
    good day night afternoon there bot everyone all guys how are u r doing is it this that these what whats who why
    when where which me my your yours him her am do does did done be was were to of on up go back again now not no
    nope yes yeah yep yup ok okay k fine nice cool great thanks thank thx ty cheers sorry bye goodbye help test hmm
    lol stop cancel price prices money pay works work working anyone anybody here wait
    день вечер утро ночи дня времени всем бот ребята как дела ты вы кто что это этот эта где
    когда почему зачем какой какая какие сколько стоит цена цены деньги он она они я мы у меня тебя вас есть был
    да нет неа не ага угу ок окей ладно хорошо понятно ясно спасибо спс благодарю извините прости пока
    помоги помогите помощь тест хм лол стоп отмена работает работаешь тут там здесь то так а но же ли бы за по до
    """

GREETINGS = frozenset(_GREETINGS.split())
FILLERS = frozenset(_FILLERS.split())
"""Left out wherever they stand."""
BETWEEN = frozenset(("in", "at", "на", "в", "во"))
"""Left out between other words; `in` at the end is India."""
SMALL_TALK = GREETINGS | FILLERS | BETWEEN | frozenset(_CHATTER.split())
"""What says nothing of a service while it stands among its like."""
