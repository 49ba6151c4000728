"""The most frequent words of English that name no thing: words that any prompt may say.

From WordNet 3.0 (https://wordnet.princeton.edu), whose editors told the senses apart in texts of Brown's
corpus and others (``cntlist.rev``): verbs and nouns of action tagged 50 times or more, adjectives, adverbs
and abstract nouns tagged 10 times or more, each by the kind of its commonest senses. Left out are names of
animals, food, plants, artefacts, persons, substances and writings, however frequent, and the verbs cry,
dance, drink, eat, fight, laugh, march and sing, which name an action by themselves.

Word frequencies alone (wordfreq, which is 57 MB besides) do not serve: by them "golf" and "football" are
more ordinary than "exercise", "bending" and "spinning".

WordNet's licence, which asks to be copied along:

This software and database is being provided to you, the LICENSEE, by Princeton University under the
following license. By obtaining, using and/or copying this software and database, you agree that you have
read, understood, and will comply with these terms and conditions.: Permission to use, copy, modify and
distribute this software and database and its documentation for any purpose and without fee or royalty is
hereby granted, provided that you agree to comply with the following copyright notice and statements,
including the disclaimer, and that the same appear on ALL copies of the software, database and
documentation, including modifications that you make for internal use or for distribution. WordNet 3.0
Copyright 2006 by Princeton University. All rights reserved. THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS"
AND PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR IMPLIED. BY WAY OF EXAMPLE, BUT
NOT LIMITATION, PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANTABILITY OR FITNESS
FOR ANY PARTICULAR PURPOSE OR THAT THE USE OF THE LICENSED SOFTWARE, DATABASE OR DOCUMENTATION WILL NOT
INFRINGE ANY THIRD PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS. The name of Princeton University
or Princeton may not be used in advertising or publicity pertaining to distribution of the software and/or
database. Title to copyright in this software, database and any associated documentation shall at all times
remain with Princeton University and LICENSEE agrees to preserve same.
"""

_WORDS = """
    ability able about above abroad absence absent absolute absolutely abstraction academic accept
    accident accordingly accurate accurately ace achieve acre act action active activity actual actually
    add added additional address adequate administrative admit advanced advantage aesthetic affair affect
    afraid afternoon afterward again age agency ago agree agreement ahead aid air alarm alaska alert alive
    all allow almost alone along aloud already also alternative altogether always amazement amazing
    ambiguous ambition america american amount ample analysis analytic ancient anger angle anglican angry
    announce annual another answer anti anticipation anxiety anxious any anyhow anymore anyway apart
    apparent apparently appear appearance apply appreciation approach appropriate approximately april
    aqueous area argue arise armed army around arrangement arrive artistic as aside ask asleep aspect
    associated association assume assurance atmosphere attack attempt attend attention attitude audience
    august authentic authorities authority automatic automatically autonomic available average avoid awake
    aware awareness away awful back background bacterial bad badly balance balanced band barely base based
    basic basis battery battle be bear bearded beat beautiful beauty become before begin beginning behind
    being belief believe below benefit besides best better beyond big binomial biological bit bitter black
    blind blow blue board bold border boston bottom bound branch brave break brief briefly brigade bright
    brightness brilliant bring british broad broken brood brown build bunch business busy buy california
    call called calm calmly cancer capable capacity care careful carefully carry case catch category cause
    cent center central century ceremony certain certainly chain chance change changing chaos character
    characteristic charge charm cheap check chemical chicago chief chiefly childhood choice choose chosen
    christian christianity church circle circumstance city civilian civilization claim clarity class
    classic classical clean clear clearly clinical close closed closely club clump cluster cm cold collect
    collection college color colored column combination come comfort comfortable coming command commercial
    commission committee common commonly communism communist community company comparable compare
    competent competition competitive complete completely complex complexity complicated component
    composed composite composition compulsive compulsivity concentrated concentration concept conception
    concern concerned conclusion condition conduct conference confidence confused confusion congregation
    congress connected connection conscience conscious consciousness conservative consider considerable
    considerably consideration constant constantly contact contain contemporary content contest
    continually continue continued continuity continuous continuously contrast contribute control
    convenient conventional conversion conviction convinced cool cooperative core corner corporation
    correlation corresponding counterpart country county couple courage course court cover covered crazy
    create creative creature crest crew crimson crisis critical cross crowd crowded cruel cuba cultural
    culture curiosity curious current curve cut cycle daily dallas damage damn damned danger dangerous
    dark darkness data date dawn day dead deal dear death decade december decide declare decomposition
    deep deeply defensive definite degree deliberately delicate delight delightful demand democracy
    democratic demonstrate denomination density deny department dependent depression depth describe design
    desirable desire despair desperate desperately destroy detail detailed determine determined develop
    developed development diagonalizable diameter die difference different difficult difficulty dignity
    dimension dimly din direct direction directly dirty disaster discharge discipline discover discuss
    disease disk distance distant distinct distinction distribution district division do doctrine dollar
    domestic dominant dot doubt doubtful down downtown dozen dramatic draw dream drive drop drunk due dull
    dusty each eager earlier early earthquake easily east eastern easy economic economy edge education
    educational effective effectively effectiveness efficiency efficient effort eight eighth either
    elaborate election electoral electric electrical electronics element eleven eliminate else elsewhere
    emerge emergency emotion emotional emphasis employ empty encourage end enemy england english enjoy
    enormous enough enter enthusiasm enthusiastic entire entirely entitled entity environment epidemic
    equal equally equivalent era escape especially essential essentially establish established estimate
    estimated eternal european even evening event eventually ever every everywhere evidence evident
    evidently evil exact exactly example excellent exception excess excitement exciting exercise exist
    existence existing expect expensive experience experienced experiment experimental explain exposure
    express extend extension extensive extent external extra extraordinary extreme extremely fact factor
    faded fail faint fair fairly faith fall false familiar family famous fantastic far fashion fast fat
    fatal fate favorable fear feature february federal feed feel feeling few fewer fictional field fierce
    fifteen fifth fifty file fill filled final finally financial find fine finish finite fire firm firmly
    first fit five fixed flame flat flow flux fly focus folk folklore follow following footstep force
    foreign forest forever forget form formal former forty forward foundation four fourth france frantic
    free freedom frequency frequent frequently fresh friday friendly frightened fringe front full fully
    function fundamental funny furious further furthermore fury future gain game gang gay general
    generally generation gentle gently genuine geometric georgia germany get giant give given glad glance
    gloom glory gm go goal gone good government grace grade gradient gradually gram grateful grave gray
    great greater greatest greatly greek green grim gross grounds group grow growing growth guam guess
    guilt guilty habit half halfway handle handsome hang happen happy harbor hard hardly harm harmony
    haste hate hatred have hawaii health healthy heap hear heart heavily heavy height hell help helpful
    hence here heroic hidden high higher highest highly historical history hit hold holiday home honest
    hope horizon horror hot hour hours how however hr huge human humanity humor hundred hunger
    hypothalamic idea ideal identical identify identity ill illusion image imagination imagine imitation
    immediate immediately immortality impact implication importance important impossible impression
    impressive improve improvement impulse in inadequate inch incident include increase increased
    increasing increasingly incredible indeed independence independent indicate indifferent indirect
    individual individualism industrial industry infantry infectious influence initial injury inner inning
    innocent insane inside insight insist instance instant instantly instead institution intellectual
    intelligent intense intensity intent intention interest interested interesting interior intermediate
    internal international interpretation intersection interval intimate introduce invariably
    investigation involve involved irish isolated issue italian january japanese jewish job join joy
    judgment july june jury just justice keep kill kind know knowledge known lack landscape laos large
    largely larger largest last late later latter law lawn lb lead leaders leadership leading league learn
    learned leave left legal length less let level liberty lie life lift lighted lightly like likely
    likewise limit limited limp line liquid listen literal literally literary little live living loaded
    local located location logical london long longer look loose lose loss lost lot lots loud loudly love
    lovely low lower loyalty lucky mad magnificent magnitude main mainly maintain major majority make
    manchester manner manufacturer many mark marked marriage married mass matter mature maturity maximum
    may maybe mean means meanwhile measure measurement mechanical mechanism medical medicine medieval meet
    meeting membership memory men menace mental mention mere merely merit mess method metropolitan mg
    middle mighty mile military milligram million millions mimesis mind minimal minimum minor minute miss
    missing mississippi mixed ml mm mob mode model moderate modern moment monday month mood moral morality
    more moreover morning most mostly motive move movement moving much municipal murder muscular musical
    musketry mysterious mystery mythological naked named narrow nation national nationalism native natural
    naturally nature navy near nearby nearly neat necessarily necessary necessity need needed negative
    neighborhood neither nervous net network neutral never nevertheless new newly next nice night
    nilpotent nine nineteenth ninth no noble nod noise non nonspecific norm normal normally north northern
    not note nothing notice notion november now nowhere nuclear number numerous object objective observe
    obtain obvious obviously occasion occasional occasionally occur occurrence october odd off offer often
    old older ominous on once one only onset open opening openly operate operation operational operator
    opinion opportunity opposite orange orbit orchestra order ordinary organic organization origin
    original other otherwise out outcome outlook outside over overall overhead own oxidation pace pain
    painful pair pale panic parallel paramagnetic paris park part particular particularly partly party
    pass passion past patch patrol pattern pause pay peace peak peculiar pennsylvania people percent
    percentage perception perfect perfectly perform performance perhaps period permanent permit persistent
    person personal personality personally personnel phase phenomenon philosophy physical physics
    physiological pile pilot pink pity place plain plainly plan play pleasant pleased pleasure plenty plot
    point police policy political politics polynomial poor popular population porous portion position
    positive posse possibility possible possibly posture potential pound power powerful practical
    practically practice precious precise precisely preliminary prepare prepared presence present
    presently press prestige presumably pretty prevent previous previously price pride primarily primary
    prime primitive principal principle prior private privilege probability probable probably problem
    procedure process procession produce production productive productivity profession professional
    profound program progress projection prominent promise promising proof proper properly property
    proportion propose prospect protective protestant proud prove provide public publicly publish pull
    pure purely purple purpose pursuant push put qualification quality quantity quarter queer quick
    quickly quiet quietly quite race radical rage raise range rank rapid rapidly rare rarely rate rather
    rating ratio raw reach reaction reactivity read readily reading ready real realistic reality realize
    really rear reason reasonable reasonably recall receive recent recently recognition recognize
    recommend red reduce refer reflect refuse regard regardless regiment region regional regular related
    relation relations relationship relative relatively relevant reliable relief religion religious remain
    remark remarkable remember remote remove repeat repeatedly repetition replace reply report represent
    require required requirement research residence residential respect respectable respectively
    respiratory responsible rest retired retirement return reveal reward rich ride right rise role roll
    romantic rough roughly round route row rule run rural russia russian safe safety sake same sample
    satisfaction satisfactory satisfied saturday savage save say scale scar scarcely scene scheme school
    science scientific scope score scorn season second secondary secret sector security see seek seem
    seldom select self sell senate send sensation sense sensitive sensitivity sentiment separate september
    sequence series serious seriously serve service set setting settle settlement seven seventeen several
    severe severely sexual shade shadow shake shame shape share sharp sharply sheer shift shock shoot
    short shortly shot shout show shrill sick side sight sign significance significant significantly
    silence silent silver similar similarly simple simply simultaneously sin single sit site situation six
    sixth size skeletal skill skilled slavery sleep slender slight slightly slow slowly small smaller
    smart smile smooth so sober social socialism society soft softly soil soiled sole solid some someday
    somehow someone sometimes somewhat somewhere soon sophisticated sore sorry sort sound source south
    southern sovereign soviet space spark speak special species specific specifically speed spell spend
    sphere spirit spiritual spot spread spring squad square stable staff stage stained stand standard
    stare start startling state status stay steady step stern stiff still stimulus stop straight strange
    strategy strength stretch strike striking strong strongly structural structured struggle study stupid
    style subjective substance substantial substantially subtle suburb suburban success successful
    successfully such sudden suddenly suffer suffering sufficient sufficiently suggest suggestion suitable
    sullen summer sunday superior supply support suppose supposed supreme sure surely surplus surprised
    surprising surrounding survival suspicion sweet swift swiftly swing swollen sympathetic sympathy
    symptom table take talent talk tall tangent taste tattered teach team technical technique tell
    temperature ten tend tendency tender tension terminal terrible territory terror test texas texture
    then theological theology theory there thereby therefore thermal thick thicket thin thing think
    thinking third thirty thoroughly though thought thoughtfully thousand threat threaten three threshold
    thrill through throw thunder thursday thus tight time times tiny tip today together tomorrow ton tone
    tonight too top total touch tough town trade tradition traditional traffic tragic train trained
    training travel treat treatment tremendous trend trial triumph troop troops trouble true truly truth
    try tsunami tuesday tumor turn twelve twentieth twenty twice two type typical ultimate unable
    unadjusted uncertain uncertainty understand understanding uneasy unfortunate unfortunately union
    unique unit unity universal university unknown unlikely unstructured unusual up upper upstairs urge
    use useful usual usually utopian vacation vacuum vague vaguely valuable value valued values variable
    variation varied variety various vary vast vector velocity vertex very victory view viewpoint vigorous
    village violent virginia virtually visible vision visit visual vivid vocational voice volume vote wait
    walk want war warm washington watch wave wavelength way weak weakness wealth wear weary wednesday week
    weekend weekly weight well west western wet while white whole wholly wide widely widespread wild
    wildly will willing win winter wisdom wise wish wonder wonderful wooden woods work working world worry
    worse worst worth worthy wound wounded write wrong yard year years yellow yesterday yet young youthful
    zero
"""
FREQUENT = frozenset(_WORDS.split())
