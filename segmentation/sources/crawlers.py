"""Names of crawlers, feed readers, monitors and scanners that `bots.KNOWN` does not match by its words.

Taken from crawler-user-agents (https://github.com/monperrus/crawler-user-agents, commit 7c7f9f25 of 2 July 2026), which
its users keep up to date under the MIT License, Copyright (c) 2017 Martin Monperrus. Left out are the tags
`http-library` and `browser-automation`: apps of people send names of HTTP libraries, too.
"""

import re

_LIST = r"""
(^| )PTST\/  (^| )sentry\/  008\/  2ip\.ru  7Siters  [aA]cunetix  [dD]ir[Bb]uster  ^BW\/  A6-Indexer
abuse\.xmco\.fr  Acquia optimize  adbeat\.com  ADmantX  AdminLabs  adscanner  Adventurer  air\.ai\/scanning
alienfarm  anthropic-ai  AP3A\.240617\.008  AppInsights  AppSiteAssociation  Archive-It  Asana\/  asnriskscorer
Attracta  Autoconfig Test from USTC  Bad Neighborhood Header Detector  BDFetch  BIGLOTRON  bigsur\.ai  binlar
Bitbucket-Webhooks  bitdiscovery  Blackboard  Blackbox Exporter\/  BlackDuck-FD  Bling ERP  Bloglines  Blogtrottr
bluesky-domain-status-classifier  Bluesky\/  botify  BotPoke  BrandVerity  Brandwatch  brokenlinkcheck\.com  Bugsnag
Bushbaby  BW\/  CapitalOneShopping  centuryb\.o\.t9  Charlotte  CheckHost  Checkly
Chrome Privacy Preserving Prefetch Proxy  CirrusExplorer  Citoid  Claude-User  Cloudflare-AutoRAG  cloudflare-csup
Cloudflare-Radar-Scanner  Cloudflare-SpeedTest  Cloudflare-SSLDetector  Cloudflare-Stream-Hook  coccoc  cohere-ai
Collapsify  collection@infegy\.com  CookieHubScan  CookieHubVerify  Corporama matcher  Cozi-iCalendar-FeedReader
Criticalcss\.com  crusty\/  CyotekWebCopy  cypex\.ai\/scanning  DareBoost  Datafeedwatch  Datanyze
Dataprovider\.com  daumoa  Determ  Digg Deeper  DigiCert DCV  Discourse Forum Onebox  Disqus  Dlc\/  DMBrowser
DNSScanner  Do Not Track Verifier  drupact  ds9  EasyBib AutoCite  easybill-ImportManager  EasyCron\/  ec2linkfinder
EdgeWatch  EmailWolf  Embedly  eMoney Advisor  evc-batch  ExodusMovement  Expanse  facebookcatalog\/  FastDAST
FastmailUA  FediList Agent  fedoraplanet  feeder\.co  FeedFlow  Fetch\/  findthatfile  fluffy  Foregenix  Friendica
Funnelback  g00g1e\.net  gdnplus\.com  GeedoShopProductFinder  Genieo  GIFTEDVISITOR SCAN  Gigablast  github-camo
GlobalWebSearch  Google Favicon  Google Trust Services  Google-Ads-Conversions  Google-AdWords-Express
Google-Area120  Google-Certificates-Bridge  Google-InspectionTool  Google-PhysicalWeb  Google-Safety
Google-Site-Verification  Google-Trust-Services\/  google-xrawler  GoogleAssociationService$
GoogleAssociationService\/  GoogleImageProxy  GoogleOther  GoPay  Grammarly\/  HappyWing  Hardenize  Hatena
Hello World  Hotjar  HTTP Banner Detection  HubSpot  Hydrozen\.io  Hype Machine\/  ichiro  IDG\/EU  IFTTT\/
ImageMind  imgproxy\/  Impact\.com Agent  Indy Library  inoreader  Instapaper\/  Integromat\/  ips-agent
iubenda-radar\/  Jumio  kagi-fetcher  kaikki\.org-digital-archive  keycdn-tools\/  Keydrop\.io  Klaviyo\/  l9explore
LegalMonster  Library Of Congress Web Archiving  LinkAce\/  linkdex  LinkTiger  lipperhey  ltx71  Magellan
magicsearchdev\/  MagpieRSS  mail\.ru  Make\/  ManageWP  MarketGoo\/  masscan  MediavineMetadataParser\/
MeltwaterNews  meta-externalads\/  meta-externalagent\/  meta-externalfetcher\/  MetaIAB Facebook  MetaURI  Metorik
Miniature\.io\/  ModularConnector\/  Mollie HTTP client  MonSpark\/  MonTools\.com  MxToolbox  nbertaupete95  Nessus
NetAPI  Netcraft SSL Server Survey  Netcraft Web Server Survey  NetcraftSurveyAgent  netresearchserver
NetShelter ContentScan  NetSystemsResearch  NETVIGIE  New York Times Newsgathering  NewRelicSynthetics  newsai\/
NewsNow\/  NextCloud  Nikto  NING\/  Nitro-  Nmap Scripting Engine  NodePing  Notion\/  Novellum  Nuzzel  nvdorz
ObservePoint  Odin;  Omnisend\/  OneTrust  OpenRSS  OpenVAS  Optimizer\)  outbrain  Owler \(ows\.eu  OWLer-W
PageThing  Panopta  panscient  PayPal\/  PDF24 URL To PDF  Penthouse Critical Path CSS Generator  pingping\.io\/
Pixalate\.com  PlayStore-Google  PodchaserParser  postrank  Potions\/  PR-CY\.RU  PrintFriendly\.com  Pro-Sitemaps\/
Protopage\/  PS_Daily\/  PWABuilderHttpAgent  Readable\/  Reelevant\/  remove\.bg\/
researchscan\.comsys\.rwth-aachen\.de  RetroListeCOM\/  reward-gateway  Riddler \(http:\/\/riddler\.io  Rigor\)
Rivva  RSiteAuditor  RuxitSynthetic  Scope3  Scrubby  search\.marginalia\.nu  Searcherweb  Searcherxweb
SearchExpress  SecurityHeaders  semantic-visions  SendGrid Event API  seo4ajax\.com  SeoSiteCheckup  SFDC-Callout\/
Shopify-Captain-Hook  Shortwave Image Fetcher  Silktide  Sindup  Siteimprove\.com  SiteLock  SiteSucker  Snipcart\/
solarwinds\/  Sora POS\/  SparkPost  SparkShipping  Spawning-AI  Splunk  sqlmap  SQWatcher
SSL Labs \(https:\/\/www\.ssllabs\.com  SSL Labs$  Stape\/  StartpagePrivateImageProxy\/  sv-watchagent  Swisscows
Termly  TerraCotta  Test Certificate Info  TextRazor  The Knowledge AI  TheInternetSearchx  theoldreader\.com
Thinklab  ThousandEyes  TLS tester  Traackr\.com  Trellis-Services  TrendsmapResolver  Trove  Trustly\/
TSM-turingos  Tumblr\/  Turnitin  Tweakers  TwilioProxy\/  Twingly  TwinWaveScanner  Twurly  UGAResearchAgent  um-FC
um-IC  um-LN  Unshorten\.It\!  upday\/  updown\.io  Upflow  Uptimia  uptrends  Urlcheckr\/  Valve\/Steam  VaultPress
vercel-screenshot  Verity\/  Viber  visionheight\.com\/scan  vu-server-health-scanner\/  W3C-mobileOK  W3C_Unicorn
WatchMouse  watchTowr  Web Measure\/  Web Screen Service By hyperhost  WebCapture  WebCopier  Webflow  webmon
WebsiteOps  WeSEE:Search  WhatsApp  WhatsMyIP\.org  WhatWeb\/  wheresitup\.com\/  WJHRO\/  WordPress\/  Wordup-1
WordupInfoSearch  workona-favicon-service\/  WP Time Capsule  WPScan  WPUmbrella  Xenu Link Sleuth
XML Sitemaps Generator  Y!J  YahooCacheSystem  YahooMailProxy  YLT Chrome  YokoyGroupAG\/  Zapier  Zendesk Webhook
zgrab  ZmEu  ZoteroTranslationServer\/WMF
"""

NAMES = tuple(name for name in re.split(r"\n|  ", _LIST) if name)
"""Regular expressions, in the case in which they are sent; two blanks or a line break separate them above."""
