"""Common passwords of ten characters and more (shorter ones are refused for their length).

Gathered from what is guessed first everywhere: rows of a keyboard, runs of digits, names,
clubs and seasons with a number behind them, and the defaults of devices.
"""

from __future__ import annotations

COMMON_PASSWORDS = frozenset(
    """
    !qaz2wsx3edc !qaz@wsx#edc 0000000000 00000000000 000000000000 0000000000000000 0123456789
    0147258369 0192837465 0987654321 1010101010 1029384756 1111111111 11111111111 111111111111
    1111111111111111 1111122222 1122334455 112233445566 1123581321 1123581321345 1212121212
    1231231231 123123123123 1234512345 1234554321 1234567887654321 1234567890 123456789012
    1234567890123 1234567890a 1234567890q 1234567891 12345678910 123456789123 123456789a
    123456789abc 123456789d 123456789k 123456789m 123456789q 123456789qwe 123456789s 123456789z
    123456abcd 123456qwerty 1357924680 1472583690 14725836900 147258369a 159753456852 1597534862
    1a2b3c4d5e 1a2b3c4d5e6f 1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i
    1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qaz@wsx3edc 1qazxsw23edc 1qwertyuiop
    2222222222 2468013579 3141592653 31415926535 3141592654 3333333333 4444444444 5555555555
    6666666666 7418529630 741852963a 7777777777 7894561230 789456123a 8888888888 9876543210
    9999999999 a123456789 a1234567890 a1b2c3d4e5 a1b2c3d4e5f6 aa12345678 aa123456789 aaa123456789
    aaaaaaaaaa aaaaaaaaaaaa abc1234567 abc12345678 abc123456789 abc123abc123 abcabcabc123
    abcd123456 abcde12345 abcdef123456 abcdefg123 abcdefg1234 abcdefgh123 abcdefghij abcdefghijk
    abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz access12345
    access123456 admin123!@# admin1234! admin12345 admin123456 admin1234567 admin123456789
    admin@1234 admin@12345 adminadmin adminadmin123 administrador administrateur administrator
    administrator1 administrator123 adminpassword alejandro1 alejandro123 alexander1 alexander12
    alexander123 amanda1234 andrew1234 andrew12345 anonymous1 anonymous123 anthony123 anthony1234
    argentina1 argentina123 arsenal123 arsenal1234 asdf1234567 asdfasdfasdf asdfghjkl1
    asdfghjkl123 asdfghjkl1234 asdfghjkl; asdfghjklqwertyuiop ashley1234 ashley12345 australia1
    australia123 autumn2020 autumn2021 autumn2022 autumn2023 autumn2024 autumn2024! autumn2025
    autumn2025! autumn2026 azerty1234 azerty12345 azerty123456 azertyuiop azertyuiop123 babygirl01
    babygirl12 babygirl123 babygirl13 babygirl21 babygirl22 backstreet1 backstreetboys banana1234
    bangladesh1 barcelona1 barcelona10 barcelona123 baseball12 baseball123 baseball1234 basketball
    basketball1 basketball12 basketball123 basketball23 batman12345 batman123456 bayern1900
    bayernmunchen benjamin12 benjamin123 blackberry blessed123 buster1234 butterfly1 butterfly12
    butterfly123 california california1 california123 captain123 catherine1 changeit123 changeme12
    changeme123 changeme123! changeme1234 changemenow changethis123 charlie123 charlie1234
    charlotte1 charlotte123 cheerleader cheesecake chelsea123 chelsea1234 chevrolet1 chocolate1
    chocolate12 chocolate123 christian1 christian123 christina1 christmas1 christmas123
    christopher christopher1 cisco12345 cisco123456 computer12 computer123 computer1234 cookie1234
    cookie12345 corvette12 cristiano7 cristianoronaldo daniel1234 daniel12345 database12
    database123 december12 december25 default123 defaultpassword demo123456 deutschland
    deutschland1 dontforget1 dragon1234 dragon12345 dragonball dragonball1 dragonballz elizabeth1
    elizabeth12 elizabeth123 everything1 facebook12 facebook123 facebook1234 family1234
    family12345 february2024 ferrari123 ferrari1234 football10 football12 football123 football1234
    football2024 football21 football22 forever123 forever1234 forgetmenot fortnite12 fortnite123
    francisco1 freedom123 freedom1234 friday1234 friends123 friends1234 gandalf123 ginger1234
    godbless123 godfather1 godisgood1 godislove1 goodmorning goodmorning1 google1234 google12345
    greenday123 guest12345 guest123456 gymnastics halloween1 halloween31 happybirthday
    happybirthday1 harley1234 harleydavidson harrypotter harrypotter1 harrypotter123 heaven1234
    hello12345 hello123456 hello1234567 hello123hello hellohello hellohello1 hellokitty
    hellokitty1 helloworld helloworld1 helloworld123 hindustan1 hogwarts123 hunter1234 hunter12345
    idontknow1 idontknow123 iforgotmypassword ihateyou123 ilovegod123 ilovejesus ilovejesus1
    ilovemyfamily ilovemymom ilovemyself iloveu1234 iloveyou!! iloveyou12 iloveyou123 iloveyou1234
    iloveyou12345 iloveyou123456 iloveyou13 iloveyou14 iloveyou143 iloveyou2024 iloveyou22
    iloveyou4ever iloveyou69 iloveyoubaby iloveyouforever iloveyousomuch indonesia1 indonesia123
    internet12 internet123 internet1234 january2024 january2025 jennifer12 jennifer123 jessica123
    jessica1234 jesus12345 jesuschrist jesuschrist1 jesusislord jesuslovesme jonathan12
    jonathan123 jordan1234 jordan12345 jordan2323 joshua1234 justinbieber justinbieber1 juventus10
    juventus123 katherine1 killer1234 killer12345 lamborghini lamborghini1 letmein!!! letmein123
    letmein123! letmein1234 letmein12345 letmein2024 letmeinnow letslogin1 lightning1 linkinpark
    linkinpark1 linux12345 liverpool1 liverpool12 liverpool123 liverpoolfc login12345 login123456
    lordoftherings losangeles losangeles1 loser12345 lovelovelove loveyou123 loveyou1234
    manchester manchester1 manunited1 manutd1234 master12345 master123456 masterkey123 matthew123
    matthew1234 maximilian mercedes12 mercedes123 mercedesbenz messi10messi messi12345 metallica1
    metallica123 michael123 michael1234 michael12345 microsoft1 microsoft123 minecraft1
    minecraft12 minecraft123 minecraft1234 monday1234 monkey1234 monkey12345 motorcycle mustang123
    mustang1234 mybirthday1 mypassword mypassword1 mypassword123 mypasswordis mysecret123
    mysql12345 naruto1234 naruto12345 nathaniel1 newpassword newpassword1 newpassword123
    newyork123 newyork1234 newyorkcity nicole1234 nirvana123 nopassword nothing123 november11
    oldpassword onedirection onedirection1 oracle1234 oracle12345 orange1234 ourpassword
    p@ssw0rd1! p@ssw0rd12 p@ssw0rd123 p@ssw0rd123! p@ssw0rd1234 p@ssw0rd2024 p@ssw0rd2025
    p@ssword1! p@ssword12 p@ssword123 p@ssword123! p@ssword1234 pa$$w0rd123 pa$$word123
    pa55w0rd123 pa55word123 pakistan12 pakistan123 pakistan786 passw0rd1! passw0rd12 passw0rd123
    passw0rd123! passw0rd1234 password!1 password!23 password-1 password-123 password.1
    password.123 password00 password0000 password01 password1! password10 password11 password1111
    password12 password12! password123 password123! password1234 password1234! password12345
    password123456 password123456789 password2020 password2021 password2022 password2023
    password2024 password2025 password2026 password666 password777 password99 password@123
    password@1234 password_1 password_123 passwordispassword passwordpassword passwords123
    pepper1234 philadelphia philippines pineapple1 pleasechangeme pleaseletmein poiuytrewq
    pokemon123 pokemon1234 pokemon12345 porsche911 postgres12 postgres123 princess!1 princess01
    princess12 princess123 princess1234 princess13 princess21 princess22 q123456789 q1w2e3r4t5
    q1w2e3r4t5y6 qazwsx12345 qazwsx123456 qazwsxedc123 qazwsxedcrfv qazwsxedcrfvtgb qwe123456789
    qweasdzxc123 qweasdzxcv qweqweqwe1 qweqweqwe123 qwer1234asdf qwerasdfzxcv qwerty!@#$
    qwerty123! qwerty1234 qwerty12345 qwerty12345! qwerty123456 qwerty1234567 qwerty123456789
    qwertyadmin qwertyqwerty qwertyuiop qwertyuiop1 qwertyuiop12 qwertyuiop123 qwertyuiop1234
    qwertyuiop[] qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertzuiop qwertzuiop123
    raspberry1 raspberrypi realmadrid realmadrid1 realmadrid7 remember123 roblox1234 roblox12345
    rockandroll ronaldo777 root123456 root1234567 rootadmin1 rootpassword rootroot123 samantha12
    samantha123 samsung123 samsung1234 samsung12345 saturday12 sebastian1 sebastian123 secret1234
    secret12345 secret123456 secretpassword september1 september11 server1234 server12345
    shadow1234 shadow12345 skateboard skateboard1 slipknot66 slipknot666 snowboarding snowflake1
    something1 something123 spiderman1 spiderman12 spiderman123 spring2020 spring2021 spring2022
    spring2023 spring2024 spring2024! spring2025 spring2025! spring2026 starwars12 starwars123
    starwars1977 stephanie1 stephanie12 strawberry strawberry1 summer2020 summer2021 summer2022
    summer2023 summer2024 summer2024! summer2025 summer2025! summer2026 sunday1234 sunshine01
    sunshine12 sunshine123 sunshine1234 superadmin superadmin1 superadmin123 superman12
    superman123 superman1234 supersecret supersecret1 supersecret123 sysadmin123 temp123456
    temporary1 temporary123 terminator1 test123456 test1234567 test12345678 test123456789
    test1234test test@12345 testing123 testing1234 testing12345 testpassword testpassword1
    testtest12 testtest123 testtesttest thankyou123 thepassword thomas1234 thomas12345 thunder123
    tigger1234 toor123456 topsecret1 topsecret123 trustno123 trustno1trustno1 trustnoone
    ubuntu1234 undertaker undertaker1 unknown123 user123456 user1234567 user12345678 valentina1
    valentina123 venezuela1 volkswagen volleyball volleyball1 washington washington1 watermelon
    webmaster1 webmaster123 wednesday1 welcome01! welcome1!! welcome123 welcome123! welcome1234
    welcome12345 welcome2020 welcome2021 welcome2022 welcome2023 welcome2024 welcome2025
    welcome2026 welcome@123 welcome@1234 welcomeback welcomehome whatever12 whatever123
    whatever1234 whocares123 windows10!! windows123 windows1234 winter2020 winter2021 winter2022
    winter2023 winter2024 winter2024! winter2025 winter2025! winter2026 yourpassword youtube123
    youtube1234 z123456789 zaq12wsxcde3 zaq1xsw2cde3 zxcvbnm123 zxcvbnm1234 zxcvbnmasdfghjkl
    """.split()  # noqa: SIM905
)
